import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/ts/util/package-root.js';
import { build, sleep, until } from '../pool/support.js';
import { manifestOf, picturesIn, sha256Of } from '../support/batch-output.js';
import { unclip } from '../support/cli.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-batch-workers-'));
const model = join(folder, 'model');
const prompts = join(folder, 'prompts.jsonl');
const PICTURES = 40;

/** As it was before this process opened a device, which may point its own environment to a private driver. */
const ENVIRONMENT = { ...process.env };

beforeAll(async () => {
  makeTinyModel(model, { pictures: 'also' });
  const lines = Array.from({ length: PICTURES }, (_, k) => ({ prompt: `ball ${k}`, seed: k, decoderSteps: 8 }));
  writeFileSync(prompts, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  await build();
}, 400_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const arguments_ = (input: string, out: string, ...more: string[]): string[] => [
  ...['batch', input, '--model', model, '--out', out, '-q', '--deterministic', ...more],
];

/** Runs in a process of its own. */
function start(out: string, ...more: string[]): { child: ChildProcess; closed: Promise<number | null> } {
  const main = join(packageRoot(), 'dist/cli/main.js');
  const child = spawn(process.execPath, [main, ...arguments_(prompts, out, ...more)], {
    env: ENVIRONMENT,
    stdio: 'ignore',
  });
  return { child, closed: new Promise((resolve) => child.once('close', resolve)) };
}

const recorded = (out: string): number => {
  try {
    return readFileSync(join(out, 'manifest.jsonl'), 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
};

/** Child processes of a process. */
const childrenOf = (pid: number): number[] =>
  readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);

const hashes = (out: string): string[] => manifestOf(out).map(({ key, sha256 }) => `${key} ${sha256}`);

describe('unclip batch --workers', { timeout: 600_000 }, () => {
  const alone = join(folder, 'alone');

  it('draws what one process draws, to the byte', async () => {
    expect((await unclip(arguments_(prompts, alone))).code).toBe(0);
    const out = join(folder, 'two');
    const { code, stdout } = await unclip(arguments_(prompts, out, '--workers', '2', '--json'));
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ drawn: PICTURES, bad: 0 });
    expect(hashes(out).sort()).toEqual(hashes(alone).sort());
  });

  it.skipIf(process.platform !== 'linux')('loses nothing, killed with all of it or a worker at a time', async () => {
    const out = join(folder, 'killed');
    const first = start(out, '--workers', '2');
    await until(() => recorded(out) > 3, 'the first pictures');
    first.child.kill('SIGKILL');
    await first.closed;
    const second = start(out, '--workers', '2');
    const before = recorded(out);
    expect(before).toBeLessThan(PICTURES);
    await until(() => recorded(out) > before, 'the next picture');
    for (const worker of childrenOf(second.child.pid!)) {
      process.kill(worker, 'SIGKILL');
      await sleep(100);
    }
    expect(await second.closed).toBe(0);
    expect(hashes(out).sort()).toEqual(hashes(alone).sort());
    expect(picturesIn(out)).toHaveLength(PICTURES);
    for (const { file, sha256 } of manifestOf(out)) expect(sha256Of(out, file)).toBe(sha256);
    expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('draws from pictures too', async () => {
    const [entry] = manifestOf(alone);
    const lines = join(folder, 'brought.jsonl');
    const image = join(alone, entry!.file);
    writeFileSync(
      lines,
      `${JSON.stringify({ image, n: 2, seed: 3 })}\n${JSON.stringify({ image, prompt: 'a', seed: 3 })}`,
    );
    const [two, one] = [join(folder, 'brought-two'), join(folder, 'brought-one')];
    expect((await unclip(arguments_(lines, one))).code).toBe(0);
    expect((await unclip(arguments_(lines, two, '--workers', '2'))).code).toBe(0);
    expect(hashes(one).length).toBeGreaterThan(1);
    expect(hashes(two).sort()).toEqual(hashes(one).sort());
  });

  it('says what cannot be meant', async () => {
    const both = await unclip(arguments_(prompts, join(folder, 'both'), '--workers', '2', '--queue', 'redis://x'));
    expect(both).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--workers and --adapters draw on this machine'),
    });
    const none = await unclip(arguments_(prompts, join(folder, 'none'), '--workers', '0'));
    expect(none.code).toBe(2);
  });
});
