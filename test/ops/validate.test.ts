import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Device } from '../../src/ts/gpu/device.js';
import { PipelineCache, pipelineKey } from '../../src/ts/gpu/pipelines.js';
import type { GraphBuilder, T } from '../../src/ts/graph/builder.js';
import type { ActivationDType } from '../../src/ts/graph/types.js';
import { conv2d } from '../../src/ts/ops/conv/conv2d.js';
import { linear } from '../../src/ts/ops/matmul/linear.js';
import { groupNorm } from '../../src/ts/ops/norm/group-norm.js';
import { layerNorm } from '../../src/ts/ops/norm/layer-norm.js';
import type { DeviceCaps, Kernel, OpRecord } from '../../src/ts/ops/types.js';
import { kernelsOf } from '../support/variants.js';

/** A GPU as far as the choice of kernels cares, within what Dawn's null backend lets a pipeline have. */
const gpu = (least: number, most = least): DeviceCaps => ({
  subgroupSize: least === most ? least : 0,
  subgroups: most > 0,
  subgroupMaxSize: most,
  matrixConfigs: [],
  f16: true,
  software: false,
  maxBindingBytes: 2 ** 31 - 4,
  maxWorkgroupBytes: 16384,
  maxInvocations: 256,
});

const linearOf =
  (rows: number, k: number, n: number) =>
  (g: GraphBuilder): T =>
    g.linear(g.input('x', [2, rows, k]), g.linearWeight(k, [n], ['w']), g.vectorWeight([n], ['b']), n);

const convOf =
  (size: number, inChannels: number, outChannels: number) =>
  (g: GraphBuilder): T =>
    g.conv2d(
      g.input('x', [2, size, size, inChannels]),
      g.convWeight(inChannels, outChannels, 3, 'w'),
      g.vectorWeight([outChannels], ['b']),
      { outChannels, kernel: 3, pad: 1 },
    );

const groupNormOf =
  (size: number, channels: number, groups: number) =>
  (g: GraphBuilder): T => {
    const x = g.input('x', [2, size, size, channels]);
    const [gamma, beta] = [g.vectorWeight([channels], ['gamma']), g.vectorWeight([channels], ['beta'])];
    return g.activation(g.groupNorm(x, gamma, beta, groups, 1e-5), 'silu');
  };

const layerNormOf =
  (channels: number) =>
  (g: GraphBuilder): T =>
    g.layerNorm(g.input('x', [2, 77, channels]), g.vectorWeight([channels], ['gamma']), null, 1e-5);

/** Shapes of the models at full size, and some that divide into nothing. */
const CALLS: readonly (readonly [string, OpRecord, (g: GraphBuilder) => T])[] = [
  ['linear 4096×640→1280', linear, linearOf(4096, 640, 1280)],
  ['linear 3×2048→8192', linear, linearOf(3, 2048, 8192)],
  ['linear 1×37→21', linear, linearOf(1, 37, 21)],
  ['linear 16×36→40', linear, linearOf(16, 36, 40)],
  ['linear 77×37→21', linear, linearOf(77, 37, 21)],
  ['conv2d 64×64×320→320', conv2d, convOf(64, 320, 320)],
  ['conv2d 9×9×3→7', conv2d, convOf(9, 3, 7)],
  ['groupNorm 16×16×1280', groupNorm, groupNormOf(16, 1280, 32)],
  ['groupNorm 8×8×320', groupNorm, groupNormOf(8, 320, 32)],
  ['groupNorm 8×8×15', groupNorm, groupNormOf(8, 15, 3)],
  ['layerNorm 2048', layerNorm, layerNormOf(2048)],
  ['layerNorm 77', layerNorm, layerNormOf(77)],
];

/** Kernels for CPU drivers and matrix units are checked elsewhere. */
const ELSEWHERE = /cpu$|matrix$/;

/** Dawn's null backend checks WGSL, uniformity, layouts and pipelines as a GPU's would, and runs nothing. */
describe('every variant and tuning is a valid pipeline', () => {
  let device: Device;
  beforeAll(async () => {
    device = await Device.open({ backend: 'null' });
  });
  afterAll(() => device.destroy());

  for (const [least, most] of [
    [0, 0],
    [4, 4],
    [8, 8],
    [32, 32],
    [64, 64],
    [8, 32],
    [32, 64],
  ] as const)
    test.each(CALLS)(`subgroups of ${least} to ${most}: %s`, async (_, record, build) => {
      const kernels = new Map<string, Kernel>();
      const seen = new Set<string>();
      for (const { name } of record.variants.filter((v) => !ELSEWHERE.test(v.name)))
        for (const dtype of ['f32', 'f16'] satisfies ActivationDType[])
          for (const kernel of kernelsOf(record, name, { build, dtype }, gpu(least, most))) {
            kernels.set(pipelineKey(kernel), kernel);
            seen.add(name);
          }
      const pipelines = new PipelineCache(device);
      await Promise.all([...kernels.values()].map((kernel) => pipelines.get(kernel)));
      device.check();
      expect(seen).toContain('portable');
      expect(pipelines.size).toBe(kernels.size);
    });

  test('each kind of variant has been among them', () => {
    const caps = gpu(32);
    const runs = (op: OpRecord, variant: string, build: (g: GraphBuilder) => T) =>
      kernelsOf(op, variant, { build, dtype: 'f16' }, caps).length > 1;
    expect(runs(linear, 'f16', linearOf(4096, 640, 1280))).toBe(true);
    expect(runs(linear, 'subgroup', linearOf(3, 2048, 8192))).toBe(true);
    expect(runs(linear, 'q8-subgroup', linearOf(3, 2048, 8192))).toBe(true);
    expect(runs(linear, 'q8', linearOf(4096, 640, 1280))).toBe(true);
    expect(runs(conv2d, 'f16', convOf(64, 320, 320))).toBe(true);
    expect(runs(groupNorm, 'subgroup', groupNormOf(8, 320, 32))).toBe(true);
    expect(runs(layerNorm, 'subgroup', layerNormOf(2048))).toBe(true);
  });
});
