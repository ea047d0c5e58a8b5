import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/ts/util/package-root.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-cli-interrupt-'));
const model = join(folder, 'model');

beforeAll(async () => {
  makeTinyModel(model);
  // The compiled command is what gets the signal. Done already where the whole suite runs.
  const step = new URL('../../scripts/steps/typescript.mjs', import.meta.url).href;
  await ((await import(step)) as { typescript(): Promise<string> }).typescript();
}, 400_000);

let running: ChildProcess | undefined;

afterEach(() => {
  running?.kill('SIGKILL');
});

interface Ended {
  readonly code: number | null;
  readonly stderr: string;
  /** From the last signal to the end. */
  readonly ms: number;
}

/** Draws for a long time, and sends Ctrl-C when stderr says what is waited for. */
function interrupt(out: string, when: RegExp, times: number): Promise<Ended> {
  const main = join(packageRoot(), 'dist/cli/main.js');
  const args = [main, 'generate', 'a ball', '--model', model, '--out', out, '-n', '500', '--seed', '1', '--save-steps'];
  const child = spawn(process.execPath, [...args, '--prior-steps', '2', '--decoder-steps', '500'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  running = child;
  return new Promise((resolve, reject) => {
    let stderr = '';
    let mark: number | undefined;
    child.on('error', reject);
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      stderr += chunk;
      if (mark !== undefined || !when.test(stderr)) return;
      mark = performance.now();
      for (let i = 0; i < times; i++) child.kill('SIGINT');
    });
    child.on('close', (code) => resolve({ code, stderr, ms: performance.now() - (mark ?? 0) }));
  });
}

// A fresh process, perhaps with cold caches: a software driver compiles every kernel first.
describe('Ctrl-C', { timeout: 400_000 }, () => {
  it('ends the process soon, with exit code 130 and whole files only', async () => {
    const out = join(folder, 'once');
    const { code, stderr, ms } = await interrupt(`${out}/`, /prior: /, 1);
    expect(code, stderr).toBe(130);
    expect(stderr).toMatch(/unclip: CANCELLED: drawing was stopped; 0 of 500 pictures .*\n$/);
    // A step takes some milliseconds; the rest would have taken hours, but a step's kernels may have to be compiled first.
    expect(ms).toBeLessThan(60_000);
    expect(left(out)).toEqual([]);
  });

  it('ends it at once when pressed twice', async () => {
    const out = join(folder, 'twice');
    const { code, stderr } = await interrupt(`${out}/`, /load: /, 2);
    expect(code, stderr).toBe(130);
    expect(left(out)).toEqual([]);
  });
});

/** Files that are neither finished pictures nor finished previews. */
function left(out: string): string[] {
  try {
    return readdirSync(out, { recursive: true, encoding: 'utf8' }).filter(
      (name) => !/^a-ball-1-steps(\/decoder-\d{3}\.png)?$/.test(name),
    );
  } catch {
    return [];
  }
}
