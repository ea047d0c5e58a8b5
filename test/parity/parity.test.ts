import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Row } from '../../src/ts/parity/compare.js';
import { findFixtures } from '../../src/ts/parity/fixtures.js';
import { checkParity } from '../../src/ts/parity/parity.js';

const FIXTURES = join(import.meta.dirname, '..', 'fixtures');
const scratch = mkdtempSync(join(tmpdir(), 'unclip-parity-'));
afterAll(() => rmSync(scratch, { recursive: true }));

const failed = (rows: readonly Row[]): string[] =>
  rows.filter((r) => !r.pass).map((r) => `${r.network} ${r.tensor}: relL2 ${r.relL2}, max ${r.maxAbs}; ${r.tolerance}`);

describe('parity with the reference', () => {
  it('finds fixtures by what lies in them', () => {
    const kinds = findFixtures(FIXTURES).map((f) => f.kind);
    expect(new Set(kinds)).toEqual(new Set(['clip', 'dvae', 'rng', 'schedule', 'tokenizer', 'unclip-t2i']));
  });

  it('holds for every stored tensor in f32', async () => {
    const { rows, unsupported } = await checkParity(FIXTURES);
    expect(failed(rows)).toEqual([]);
    expect(unsupported).toEqual([]);
    // 3 networks' hooks, 2 runs, tables and draws: fewer rows would mean that something was not looked at.
    expect(rows.length).toBeGreaterThan(250);
    const networks = new Set(rows.map((r) => r.network));
    for (const name of [
      'text_encoder',
      'text_proj',
      'prior',
      'decoder',
      'super_res_first',
      'super_res_last',
      'run_a',
      'run_c_nocfg',
      'transformers',
      'openai',
    ])
      expect(networks).toContain(name);
  });

  it('holds for the networks in f16', async () => {
    const { rows } = await checkParity(FIXTURES, { dtype: 'f16', only: ['unclip-t2i', 'clip'] });
    expect(failed(rows)).toEqual([]);
  });

  it('holds for the networks with weights in 8 bits, and tells those from whole ones', async () => {
    for (const dtype of ['f32', 'f16'] as const) {
      const { rows } = await checkParity(FIXTURES, { dtype, weights: 'q8', only: ['unclip-t2i'] });
      expect(failed(rows)).toEqual([]);
      const forwards = rows.filter((r) => !r.network.startsWith('run'));
      expect(new Set(forwards.map((r) => r.tolerance))).toEqual(new Set(['relL2 ≤ 0.02']));
      for (const network of ['text_encoder', 'text_proj', 'prior', 'decoder', 'super_res_first', 'super_res_last'])
        expect(Math.max(...forwards.filter((r) => r.network === network).map((r) => r.relL2))).toBeGreaterThan(1e-3);
    }
  });

  it('holds with the portable kernels alone', async () => {
    const { rows } = await checkParity(FIXTURES, { variants: 'portable', only: ['unclip-t2i'] });
    expect(failed(rows)).toEqual([]);
  });

  it('fails when a stored tensor is another one', async () => {
    const folder = join(scratch, 'rng');
    cpSync(join(FIXTURES, 'rng'), folder, { recursive: true });
    const path = join(folder, 'torch_cpu_randn.safetensors');
    const bytes = readFileSync(path);
    const last = bytes.length - 4;
    bytes.writeFloatLE(bytes.readFloatLE(last) + 0.01, last);
    writeFileSync(path, bytes);
    const { rows } = await checkParity(folder);
    expect(failed(rows)).toHaveLength(1);
  });
});
