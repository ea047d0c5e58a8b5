import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CASES } from '../../src/ts/bench/cases/cases.js';
import { caseGraph, checkVariant, planKernels, variantNames } from '../../src/ts/bench/kernels.js';
import { REFERENCES } from '../../src/ts/bench/reference/reference.js';
import { pick } from '../../src/ts/bench/reference/sample.js';
import { probes } from '../../src/ts/bench/roofline.js';
import { Device } from '../../src/ts/gpu/device.js';
import { PipelineCache } from '../../src/ts/gpu/pipelines.js';
import { OPS } from '../../src/ts/ops/registry.js';
import type { DeviceCaps } from '../../src/ts/ops/types.js';

const PLAIN: DeviceCaps = {
  subgroupSize: 0,
  subgroups: false,
  subgroupMaxSize: 0,
  matrixConfigs: [],
  f16: true,
  software: false,
  maxBindingBytes: 2 ** 31,
  maxWorkgroupBytes: 32768,
  maxInvocations: 1024,
};
const matrix = (size: number, componentType: string, resultComponentType: string) => ({
  ...{ M: size, N: size, K: size, componentType, resultComponentType },
});

/** A CPU driver, a GPU without anything optional, and one with everything. */
const CAPS: Readonly<Record<string, DeviceCaps>> = {
  cpu: { ...PLAIN, software: true, subgroups: true, subgroupSize: 8, subgroupMaxSize: 8 },
  plain: PLAIN,
  full: {
    ...PLAIN,
    ...{ subgroups: true, subgroupSize: 32, subgroupMaxSize: 32 },
    matrixConfigs: [matrix(16, 'f16', 'f32'), matrix(16, 'f16', 'f16'), matrix(16, 'i8', 'i32')],
  },
};

const everything = { dtypes: ['f32', 'f16'], variant: 'all', sizes: ['small', 'large'] } as const;
const plan = (caps: DeviceCaps, o = {}) => planKernels({ ...everything, ...o }, { caps, choose: undefined });

describe('the catalogue of kernels', () => {
  it('has a case, a small one, and a reference for every op', () => {
    const small = new Set(CASES.filter((c) => c.size === 'small').map((c) => c.op));
    expect(OPS.map((record) => record.name).filter((op) => !small.has(op))).toEqual([]);
    expect(Object.keys(REFERENCES).sort()).toEqual(OPS.map((record) => record.name).sort());
  });

  it('names every case once, by its op', () => {
    expect(new Set(CASES.map((c) => c.name)).size).toBe(CASES.length);
    expect(CASES.filter((c) => !c.name.startsWith(`${c.op}/`))).toEqual([]);
  });

  it.each(Object.entries(CAPS))('leaves one node of the op on a %s adapter', (_, caps) => {
    for (const dtype of everything.dtypes)
      for (const one of CASES) {
        const { nodes } = caseGraph(one, dtype, caps);
        expect(
          nodes.map((n) => n.op),
          `${one.name}/${dtype}`,
        ).toEqual([one.op]);
      }
  });

  it('reaches every variant of every op', () => {
    const reached = new Set(
      Object.values(CAPS).flatMap((caps) => plan(caps).flatMap((j) => j.variants.map((v) => `${j.graph.name}:${v}`))),
    );
    const all = OPS.flatMap((record) => record.variants.map((v) => `${record.name}:${v.name}`));
    expect(all.filter((name) => !reached.has(name))).toEqual([]);
  });

  it('selects by name, dtype, size and variant', () => {
    const names = (o: object) =>
      plan(CAPS.plain!, o).flatMap((j) => j.variants.map((v) => `${j.case}/${j.graph.dtype}/${v}`));
    expect(names({ pattern: /^softmax\/512x77\/f32\/portable$/ })).toEqual(['softmax/512x77/f32/portable']);
    expect(names({ dtypes: ['f16'] }).every((name) => name.includes('/f16/'))).toBe(true);
    expect(names({ sizes: ['small'] }).some((name) => name.includes('8192'))).toBe(false);
    expect(new Set(names({ variant: 'portable' }).map((name) => name.split('/').at(-1)))).toEqual(
      new Set(['portable']),
    );
    for (const { variants } of plan(CAPS.full!, { variant: 'chosen' })) expect(variants).toHaveLength(1);
    const withoutF16 = plan({ ...CAPS.plain!, f16: false });
    expect(withoutF16.every((j) => j.graph.dtype === 'f32')).toBe(true);
  });

  it('refuses a selection of nothing, and a variant that no op has', () => {
    expect(() => plan(CAPS.plain!, { pattern: /no such kernel/ })).toThrow(/no kernel matches/);
    expect(() => checkVariant('fastest')).toThrow(/there is no kernel variant 'fastest'; give one of all, chosen, /);
    for (const name of variantNames()) checkVariant(name);
  });
});

describe('a sample', () => {
  it('holds the first, the last and something of every part, without repeats', () => {
    expect(pick(3, 5)).toEqual([0, 1, 2]);
    const picked = pick(100_000, 64);
    expect([picked[0], picked.at(-1)]).toEqual([0, 99_999]);
    expect(new Set(picked).size).toBe(picked.length);
    for (let part = 1; part < 63; part++)
      expect(picked.some((i) => Math.floor((i * 64) / 100_000) === part)).toBe(true);
  });
});

describe('the roofline', () => {
  let device: Device;
  beforeAll(async () => {
    device = await Device.open({ backend: 'null' });
  });
  afterAll(() => device.destroy());

  it('has probes that compile, for matrix units too', async () => {
    const pipelines = new PipelineCache(device);
    const own = [matrix(8, 'f16', 'f32'), matrix(8, 'f16', 'f16'), matrix(8, 'i8', 'i32'), matrix(8, 'f32', 'f32')];
    const { caps } = device;
    const found = [
      ...probes({ ...caps, matrixConfigs: own }),
      ...probes({ ...caps, matrixConfigs: own, software: true }),
    ];
    for (const { kernel, words, name } of found) {
      const bindings = words.map((_, tensor) => ({ tensor, access: 'readWrite' as const }));
      await expect(pipelines.get({ ...kernel, bindings }), name).resolves.toBeDefined();
    }
    for (const unit of ['f32', 'f16', 'int8', 'matrix', 'matrix-f16', 'matrix-i8', 'memory'])
      expect(
        found.some((p) => p.unit === unit),
        unit,
      ).toBe(true);
  });

  it('counts the work of a probe as its text does it', () => {
    const [fma] = probes(CAPS.full!);
    const [rounds] = fma!.kernel.params;
    const { STEPS, CHAINS } = fma!.kernel.defines as Record<string, number>;
    expect(fma!.work).toBe(fma!.kernel.grid[0] * 64 * rounds! * STEPS! * CHAINS! * 4 * 2);
    const copy = probes(CAPS.full!).at(-1)!;
    expect(copy.work).toBe(2 * 4 * copy.words[0]!);
    expect(copy.kernel.grid[0] * copy.kernel.grid[1] * 256 * 4 * 4).toBeGreaterThanOrEqual(copy.words[0]!);
  });
});
