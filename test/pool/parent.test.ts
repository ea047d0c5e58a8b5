import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/ts/util/package-root.js';
import { build, MODEL, until } from './support.js';

const DIST = join(packageRoot(), 'dist', 'index.js');
const PICTURES = 12;

beforeAll(build, 400_000);

interface Parent {
  readonly child: ChildProcess;
  readonly lines: string[];
  readonly workers: readonly number[];
  readonly closed: Promise<number | null>;
}

/** A process with a pool, in a process group of its own, once it has workers and has drawn something. */
async function start(env: NodeJS.ProcessEnv = process.env): Promise<Parent> {
  const script = join(import.meta.dirname, 'pool-parent.mjs');
  const child = spawn(process.execPath, [script, DIST, MODEL, String(PICTURES)], {
    detached: true,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  child.stdout.setEncoding('utf8').on('data', (text: string) => lines.push(...text.trim().split('\n')));
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  await until(() => lines.length > 1, 'the first picture');
  const workers = lines[0]!.split(' ').slice(1).map(Number);
  return { child, lines, workers, closed };
}

/** Whether a process runs; one that has ended and that nobody has asked about yet does not. */
function runs(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

describe.skipIf(process.platform !== 'linux')('workers and their parent', () => {
  it('end with it, however it ends', async () => {
    const { child, workers, closed } = await start();
    expect(workers.map(runs)).toEqual([true, true]);
    child.kill('SIGKILL');
    await closed;
    await until(() => !workers.some(runs), 'the end of the workers');
  });

  it('leave it to the parent what a signal to all of them means', async () => {
    const { child, lines, workers, closed } = await start();
    process.kill(-child.pid!, 'SIGINT');
    process.kill(-child.pid!, 'SIGTERM');
    expect(await closed).toBe(0);
    expect(lines.slice(1).sort()).toEqual(Array.from({ length: PICTURES }, (_, k) => `drawn ${k}`).sort());
    expect(workers.filter(runs)).toEqual([]);
  });
});
