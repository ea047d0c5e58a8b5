import { afterAll, describe, expect, it } from 'vitest';
import { closeEngine, openEngine } from '../../src/ts/bench/engine.js';
import { measureKernels, planKernels } from '../../src/ts/bench/kernels.js';
import { errorOf } from '../../src/ts/bench/measure.js';
import type { KernelRow, Roofline } from '../../src/ts/bench/schema.js';
import { findOp } from '../../src/ts/ops/registry.js';
import type { Kernel, Variant } from '../../src/ts/ops/types.js';
import { unclip } from '../support/cli.js';

const engine = await openEngine({}, false);
afterAll(() => closeEngine(engine));

/** Adds a variant to an op for the time of `body`. */
async function withVariant(op: string, variant: Variant, body: () => Promise<void>): Promise<void> {
  const list = findOp(op).variants as Variant[];
  list.push(variant);
  try {
    await body();
  } finally {
    list.splice(list.indexOf(variant), 1);
  }
}

async function measure(pattern: RegExp, roofline?: Roofline): Promise<KernelRow[]> {
  const jobs = planKernels({ pattern, dtypes: ['f32', 'f16'], variant: 'all', sizes: ['small'] }, engine.runtime);
  const rows: KernelRow[] = [];
  await measureKernels(engine, jobs, { runs: 3, roofline }, (row) => rows.push(row));
  return rows;
}

const portable = (op: string): Variant => findOp(op).variants.find((v) => v.name === 'portable')!;
const altered = (op: string, name: string, change: (kernel: Kernel) => Kernel): Variant => ({
  name,
  supports: () => true,
  lower: (call, caps, tuning) => portable(op).lower(call, caps, tuning).map(change),
});

describe('a kernel', () => {
  // One small case of every op, in what the engine would take: the references hold against kernels that have tests of their own.
  const jobs = planKernels({ dtypes: ['f32', 'f16'], variant: 'chosen', sizes: ['small'] }, engine.runtime);
  const firsts = [...new Map(jobs.toReversed().map((job) => [`${job.graph.name}/${job.graph.dtype}`, job])).values()];

  it.each(firsts.map((job) => [`${job.case}/${job.graph.dtype}`, job] as const))('%s is right', async (_, job) => {
    const rows: KernelRow[] = [];
    await measureKernels(engine, [job], { runs: 3 }, (row) => rows.push(row));
    expect(rows.map((row) => [row.status, row.message])).toEqual([['ok', undefined]]);
    const [{ ms, error, gbs, bytes }] = rows as [KernelRow];
    expect(ms!.runs).toBe(3);
    expect(ms!.min).toBeLessThanOrEqual(ms!.median);
    expect(gbs).toBeCloseTo(bytes / 1e6 / ms!.median, 9);
    expect(error!.samples).toBeGreaterThan(50);
  });

  it('is held against the roofs', async () => {
    const time = { runs: 3, median: 1, min: 1, p10: 1, p90: 1 };
    const roofline: Roofline = {
      compute: [{ name: 'f32', unit: 'f32', value: 100, ms: time }],
      memory: [{ name: 'copy', bytes: 2 ** 26, beyondCache: true, value: 10, ms: time }],
    };
    const [row] = await measure(/^add\/1024x640\/f32\/portable$/, roofline);
    expect(row!.roof).toMatchObject({ unit: 'f32', bound: 'memory' });
    expect(row!.roof!.percent).toBeCloseTo((100 * row!.gbs!) / 10, 6);
  });
});

describe('a wrong kernel', () => {
  it('gets no time, whether it is a little off or leaves something out', async () => {
    const words = (kernel: Kernel, change: (p: Uint32Array) => void): Kernel => {
      const params = kernel.params.slice();
      change(params);
      return { ...kernel, params };
    };
    // The last word is the upper bound.
    const off = altered('clamp', 'off', (kernel) =>
      words(kernel, (p) => {
        new Float32Array(p.buffer)[2] = 0.99;
      }),
    );
    const short = altered('clamp', 'short', (kernel) => words(kernel, (p) => p.set([p[0]! - 1])));
    await withVariant('clamp', off, () =>
      withVariant('clamp', short, async () => {
        const rows = await measure(/^clamp\/.*\/f32\/(off|short|portable)$/);
        expect(rows.map((row) => [row.variant, row.status])).toEqual([
          ['portable', 'ok'],
          ['off', 'wrong'],
          ['short', 'wrong'],
        ]);
        for (const row of rows.slice(1))
          expect([row.ms, row.gflops, row.gbs, row.roof]).toEqual(Array(4).fill(undefined));
        expect(rows[1]!.error!.maxAbs).toBeCloseTo(0.01, 6);
        expect(rows[2]!.error).toMatchObject({ relL2: null, maxAbs: null });
      }),
    );
  });

  it('makes the command fail, and says so', async () => {
    const off = altered('clamp', 'off', (kernel) => ({ ...kernel, grid: [1, 1, 1] }));
    await withVariant('clamp', off, async () => {
      const { code, stdout } = await unclip(['bench', 'kernels', '-r', '^clamp/.*/f32/off$', '--runs', '3', '-q']);
      expect(code).toBe(1);
      expect(stdout).toMatch(/^clamp\/1024x640\/f32\/off +WRONG/m);
      expect(stdout).toContain('1 of 1 kernels are WRONG');
    });
  });

  it('that does not compile is one failed row among others', async () => {
    const broken = altered('clamp', 'broken', (kernel) => ({ ...kernel, shader: 'elementwise/none' }));
    await withVariant('clamp', broken, async () => {
      const rows = await measure(/^clamp\/.*\/f32\//);
      expect(rows.map((row) => row.status)).toEqual(['ok', 'failed']);
      expect(rows[1]!.message).toContain('GPU_SHADER_INVALID');
    });
  });

  it('counts anything that is no number, in the sample or not', () => {
    const tolerance = { relL2: 1, maxAbs: 1 };
    const sample = { indices: [0], expected: Float64Array.of(1) };
    expect(errorOf(Float32Array.of(1, 2), sample, tolerance).relL2).toBe(0);
    expect(errorOf(Float32Array.of(1, Number.NaN), sample, tolerance).relL2).toBeNull();
    expect(errorOf(Float32Array.of(3, 2), sample, tolerance)).toMatchObject({ relL2: 2, maxAbs: 2, samples: 1 });
  });
});
