import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addCommonOptions } from '../../src/ts/cli/bench/common.js';
import { groupNorm } from '../../src/ts/ops/norm/group-norm.js';
import type { Variant } from '../../src/ts/ops/types.js';
import { errorLine, unclip } from '../support/cli.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-cli-tune-'));
const model = join(folder, 'model');
const before = process.env.UNCLIP_TUNING_DIR;
const variants = groupNorm.variants as Variant[];
const original = [...variants];

beforeAll(() => {
  makeTinyModel(model);
  process.env.UNCLIP_TUNING_DIR = join(folder, 'tuning');
  const portable = original.find((v) => v.name === 'portable')!;
  variants.splice(0, variants.length, { ...portable, name: 'cpu-one' }, { ...portable, name: 'cpu-two' });
});
afterAll(() => {
  variants.splice(0, variants.length, ...original);
  process.env.UNCLIP_TUNING_DIR = before;
  rmSync(folder, { recursive: true, force: true });
});

const tune = (...args: string[]) => unclip(['tune', '--model', model, '--dtype', 'f32', ...args]);

describe('tune', { timeout: 400_000 }, () => {
  it('keeps what was measured when it is interrupted', async () => {
    const stop = new AbortController();
    const onStderr = (text: string): void => {
      if (/^2\//m.test(text)) stop.abort();
    };
    const result = await unclip(['tune', '--model', model, '--dtype', 'f32'], { signal: stop.signal, onStderr });
    expect(result.code).toBe(130);
    expect(result.stderr).toMatch(/\nunclip: CANCELLED: tuning was stopped; what was measured is kept\n$/);
    const { stdout } = await tune('--json', '--quiet');
    const rest = JSON.parse(stdout).classes.length;
    const { stdout: all } = await tune('--json', '--quiet', '--again');
    expect(JSON.parse(all).classes.length).toBe(rest + 2);
  });

  it('says what it chose, for which shapes, and what that gives', async () => {
    const out = join(folder, 'table.json');
    const { code, stdout, stderr } = await tune('--again', '--out', out);
    expect(code).toBe(0);
    expect(stderr).toMatch(/^1\/\d+ \w+ .*: \w.*, \d+\.\d\d×$/m);
    expect(stdout).toMatch(/^groupNorm f32 .*cpu-one.*\d+\.\d\d×/m);
    expect(stdout).toMatch(/shape classes in .* a batch as chosen by rules, .* as measured/);
    const table = JSON.parse(readFileSync(out, 'utf8'));
    expect(table.format).toBe('unclip-tuning/1');
    expect(Object.keys(table.entries).length).toBeGreaterThan(0);
  });

  it('prints one JSON document', async () => {
    const { stdout, stderr } = await tune('--again', '--json', '--quiet');
    expect(stderr).toBe('');
    const { classes, heuristicMs, ms, adapter, dtype, file } = JSON.parse(stdout);
    expect(ms).toBeLessThanOrEqual(heuristicMs);
    expect(dtype).toBe('f32');
    expect(adapter.name).not.toBe('');
    expect(existsSync(file)).toBe(true);
    for (const c of classes) {
      expect(c.gain).toBeGreaterThanOrEqual(1);
      expect(c.runs).toBeGreaterThan(0);
    }
  });

  it('says so when there is nothing to measure', async () => {
    const { code, stdout } = await tune('--quiet');
    expect(code).toBe(0);
    expect(stdout).toContain('nothing was measured');
  });

  it('is left aside by --deterministic, in benchmarks too', () => {
    const tuning = (...args: string[]): unknown =>
      addCommonOptions(new Command()).parse(args, { from: 'user' }).opts().tuning;
    expect(tuning()).toBe('cached');
    expect(tuning('--deterministic')).toBe('off');
    expect(tuning('--tuning', 'off')).toBe('off');
  });

  it('refuses what cannot be meant', async () => {
    for (const args of [
      ['--budget', '0'],
      ['--budget', 'soon'],
      ['--dtype', 'f8'],
      ['--batch-size', '0'],
    ]) {
      const result = await tune(...args);
      expect(result.code).toBe(2);
      expect(errorLine(result).code).toBe('INPUT_INVALID');
    }
    expect(errorLine(await unclip(['tune', '--model', join(folder, 'nothing')])).code).toMatch(/^MODEL_/);
  });
});
