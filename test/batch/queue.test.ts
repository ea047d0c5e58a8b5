import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unclipCacheFolder } from '../../src/ts/gpu/driver-env.js';
import { readSystemFacts } from '../../src/ts/gpu/driver-hints.js';
import { packageRoot } from '../../src/ts/util/package-root.js';
import { manifestOf, picturesIn, sha256Of } from '../support/batch-output.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-queue-'));
const model = join(folder, 'model');
const prompts = join(folder, 'prompts.jsonl');
const PICTURES = 24;

interface RunningRedis {
  readonly url: string;
  stop(): Promise<void>;
}

let redis: RunningRedis;
const children: ChildProcess[] = [];

beforeAll(async () => {
  makeTinyModel(model);
  const lines = Array.from({ length: PICTURES }, (_, seed) => JSON.stringify({ prompt: `ball ${seed}`, seed }));
  writeFileSync(prompts, `${lines.join('\n')}\n{"prompt":7}\n`);
  const root = new URL('../../scripts/', import.meta.url);
  const { typescript } = (await import(new URL('steps/typescript.mjs', root).href)) as {
    typescript(): Promise<string>;
  };
  await typescript();
  const service = (await import(new URL('services/redis.mjs', root).href)) as {
    startRedis(cacheFolder: string, codename: string): Promise<RunningRedis>;
  };
  redis = await service.startRedis(unclipCacheFolder(), readSystemFacts(false).codename);
}, 400_000);

afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await redis?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function start(command: string, ...args: string[]): ChildProcess {
  const main = join(packageRoot(), 'dist/cli/main.js');
  const child = spawn(process.execPath, [main, command, ...args, '--model', model, '--queue', redis.url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  return child;
}

const ended = (child: ChildProcess): Promise<number | null> => new Promise((resolve) => child.once('close', resolve));

/** What a child says on stderr, until it has said `text`. */
const said = (child: ChildProcess, text: RegExp): Promise<void> =>
  new Promise((resolve, reject) => {
    let all = '';
    child.once('close', () => reject(new Error(`ended: ${all}`)));
    child.stderr!.setEncoding('utf8').on('data', (chunk: string) => {
      all += chunk;
      if (text.test(all)) resolve();
    });
  });

describe('unclip batch --queue', { timeout: 600_000 }, () => {
  const out = join(folder, 'out');

  it('gets every picture once although workers and the producer are killed midway', async () => {
    const worker = (): ChildProcess => start('worker', '--out', out, '--lock', '2');
    const first = worker();
    const producer = start('batch', prompts, '--out', out, '-q');
    await said(first, /\.png/);
    producer.kill('SIGKILL');
    await ended(producer);
    const again = start('batch', prompts, '--out', out, '-q');
    first.kill('SIGKILL');
    const second = worker();
    await said(second, /\.png/);
    const third = worker();
    expect(await ended(again)).toBe(0);

    const entries = manifestOf(out);
    expect(new Set(entries.map(({ line }) => line)).size).toBe(PICTURES);
    expect(new Set(entries.map(({ key }) => key)).size).toBe(entries.length);
    expect(picturesIn(out).sort()).toEqual(entries.map(({ file }) => file).sort());
    for (const { file, sha256 } of entries) expect(sha256Of(out, file)).toBe(sha256);
    expect(readFileSync(join(out, 'errors.jsonl'), 'utf8')).toMatch(/"line":25,"code":"INPUT_INVALID"/);

    // SIGINT lets a worker finish what it has and end well.
    for (const living of [second, third]) living.kill('SIGINT');
    expect(await Promise.all([second, third].map(ended))).toEqual([0, 0]);
  });

  it('says so when no Redis answers', async () => {
    const main = join(packageRoot(), 'dist/cli/main.js');
    const args = [main, 'batch', prompts, '--out', join(folder, 'none'), '--model', model];
    const child = spawn(process.execPath, [...args, '--queue', 'redis://user:secret@127.0.0.1:1']);
    await expect(
      said(child, /QUEUE_UNREACHABLE: no Redis answers at redis:\/\/127\.0\.0\.1:1/),
    ).resolves.toBeUndefined();
  });
});
