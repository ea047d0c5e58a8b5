import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/ts/util/package-root.js';
import { manifestOf, picturesIn, sha256Of } from '../support/batch-output.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-batch-kill-'));
const model = join(folder, 'model');
const prompts = join(folder, 'prompts.jsonl');
const KILLS = 6;

/** 40 good lines of which two are the same request, and two bad ones. */
const LINES = [
  ...Array.from({ length: 38 }, (_, k) => ({ prompt: `ball ${k}`, seed: k, ...(k % 3 === 0 ? { n: 2 } : {}) })),
  { prompt: 'ball 1', seed: 1 },
  { prompt: 'unseeded' },
  { prompt: 7 },
  { prompt: 'a', decoderSteps: -1 },
];
const PICTURES = 38 + 13 + 1;

beforeAll(async () => {
  makeTinyModel(model);
  writeFileSync(prompts, LINES.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const step = new URL('../../scripts/steps/typescript.mjs', import.meta.url).href;
  await ((await import(step)) as { typescript(): Promise<string> }).typescript();
}, 400_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (out: string, ...more: string[]): ChildProcess =>
  spawn(
    process.execPath,
    [join(packageRoot(), 'dist/cli/main.js'), 'batch', prompts, '--model', model, '--out', out, '-q', ...more],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );

/** Runs to the end. */
const finish = (out: string, ...more: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> => {
  const child = start(out, ...more);
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const)
    child[name]!.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, ...text })));
};

describe('unclip batch', { timeout: 600_000 }, () => {
  it('loses nothing, draws nothing twice and leaves no half file, whenever it is killed', async () => {
    const out = join(folder, 'killed');
    // Kernels are compiled in the first run, which is left alone until its first picture is there.
    for (let kill = 0; kill < KILLS; kill++) {
      const child = start(out);
      const closed = new Promise((resolve) => child.on('close', resolve));
      const before = recorded(out);
      while (child.exitCode === null && recorded(out) <= before) await new Promise((r) => setTimeout(r, 5));
      await new Promise((r) => setTimeout(r, 40 * Math.random()));
      child.kill('SIGKILL');
      await closed;
    }
    const { code, stdout, stderr } = await finish(out, '--json');
    expect(code, stderr).toBe(0);
    const entries = manifestOf(out);
    expect(entries).toHaveLength(PICTURES);
    expect(new Set(entries.map(({ key }) => key)).size).toBe(PICTURES);
    expect(picturesIn(out).sort()).toEqual(entries.map(({ file }) => file).sort());
    for (const { file, sha256 } of entries) expect(sha256Of(out, file)).toBe(sha256);
    const { drawn, kept, bad, lines } = JSON.parse(stdout) as Record<string, number>;
    expect(drawn! + kept!).toBe(PICTURES + 1);
    expect([lines, bad]).toEqual([LINES.length, 2]);
    const errors = readFileSync(join(out, 'errors.jsonl'), 'utf8').trim().split('\n');
    expect(errors.map((line) => (JSON.parse(line) as { line: number }).line)).toEqual([41, 42]);
    expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([]);
  });

  it('makes the very same picture again from a line of the manifest', async () => {
    const entry = manifestOf(join(folder, 'killed')).find(({ prompt }) => prompt === 'unseeded')!;
    const again = join(folder, 'again.jsonl');
    writeFileSync(again, JSON.stringify(entry));
    const out = join(folder, 'again');
    const child = spawn(process.execPath, [
      ...[join(packageRoot(), 'dist/cli/main.js'), 'batch', again, '--model', model, '--out', out, '-q'],
    ]);
    expect(await new Promise((resolve) => child.on('close', resolve))).toBe(0);
    expect(manifestOf(out).map(({ key, sha256 }) => [key, sha256])).toEqual([[entry.key, entry.sha256]]);
  });
});

/** Pictures that the manifest has so far. */
function recorded(out: string): number {
  try {
    return readFileSync(join(out, 'manifest.jsonl'), 'utf8').split('\n').length - 1;
  } catch {
    return 0;
  }
}
