import { describe, expect, test } from 'vitest';
import { Device } from '../../src/ts/gpu/device.js';
import { PipelineCache } from '../../src/ts/gpu/pipelines.js';
import { preprocess } from '../../src/ts/gpu/preprocess.js';
import type { GraphBuilder, T } from '../../src/ts/graph/builder.js';
import { type MatrixTuning, matrixWorkgroupBytes } from '../../src/ts/ops/matmul/matrix-tile.js';
import type { DeviceCaps, Kernel } from '../../src/ts/ops/types.js';
import { compileNode, convOf, gpuCaps, linearOf, matmulOf, matrixShape } from './support/calls.js';

/**
 * Dawn's null backend checks WGSL in full, matrices of any shape included, and pipelines against its own limits: subgroups of up to
 * 128, 256 invocations, 16 KiB of workgroup memory. Kernels beyond those are checked up to the message that says so.
 */
const device = await Device.open({ backend: 'null' });
const pipelines = new PipelineCache(device);
const NULL_SUBGROUP = 128;

/** What NVIDIA (16×16×16, 16×8×16, 16×8×8), Intel (8×16×16), Apple and CPU drivers (8×8×8) report, and some that none does. */
const SHAPES = [
  [8, 8, 8],
  [16, 16, 16],
  [16, 8, 16],
  [16, 8, 8],
  [16, 16, 8],
  [8, 16, 16],
  [32, 8, 16],
] as const;

const CALLS = {
  'linear, whole eights': { op: 'linear', build: linearOf(4096, 640, 1280) },
  'linear, any size': { op: 'linear', build: linearOf(77, 37, 21) },
  'linear, whole eights, slices': { op: 'linear', build: linearOf(64, 4096, 1280) },
  'linear, any size, slices': { op: 'linear', build: linearOf(77, 4099, 21) },
  'conv2d, whole eights': { op: 'conv2d', build: convOf(64, 320, 320) },
  'conv2d, any size': { op: 'conv2d', build: convOf(33, 3, 7) },
  'conv2d, whole eights, slices': { op: 'conv2d', build: convOf(8, 640, 640) },
  'matmul, A transposed, whole eights': { op: 'matmul', build: matmulOf(256, 640, 512, { transposeA: true }) },
  'matmul, B transposed, whole eights': { op: 'matmul', build: matmulOf(256, 640, 512, { transposeB: true }) },
  'matmul, both transposed, any size': {
    op: 'matmul',
    build: matmulOf(37, 77, 21, { transposeA: true, transposeB: true }),
  },
  'conv2d, any size, slices': { op: 'conv2d', build: convOf(7, 555, 21) },
  // 8-bit weights, of any size where there are enough of them.
  'linear, int8, whole eights': { op: 'linear', build: linearOf(4096, 640, 1280), weights: 'q8' },
  'linear, int8, any size': { op: 'linear', build: linearOf(77, 67, 21), weights: 'q8' },
  'linear, int8, whole eights, slices': { op: 'linear', build: linearOf(64, 4096, 1280), weights: 'q8' },
  'conv2d, int8, whole eights': { op: 'conv2d', build: convOf(64, 320, 320), weights: 'q8' },
  'conv2d, int8, any size': { op: 'conv2d', build: convOf(33, 37, 21), weights: 'q8' },
  'conv2d, int8, any size, slices': { op: 'conv2d', build: convOf(7, 555, 21), weights: 'q8' },
} as const satisfies Record<string, Call>;

interface Call {
  readonly op: string;
  readonly build: (g: GraphBuilder) => T;
  readonly weights?: 'q8';
}

/** Adapters with subgroups of 8, 32, 64 and of 8 to 32. */
const adapters = (shape: readonly [number, number, number]): DeviceCaps[] => {
  const fixed = [8, 32, 64].map((subgroup) => gpuCaps([matrixShape(...shape)], subgroup));
  return [...fixed, { ...fixed[1]!, subgroupSize: 0 }];
};

/** The kernels of a call on matrix units, for each tuning. */
function kernels({ op, build, weights }: Call, caps: DeviceCaps) {
  const name = weights === 'q8' ? 'q8-matrix' : 'matrix';
  const forced = { weights, variants: { [op]: name } };
  const { record, call } = compileNode(build, caps, forced);
  const variant = record.variants.find((v) => v.name === name)!;
  return variant.tunings!(call, caps).map((tuning) => ({
    tuning: tuning as MatrixTuning,
    kernels: compileNode(build, caps, { ...forced, tunings: { [op]: tuning } }).kernels,
  }));
}

/** Messages of the WGSL compiler for a text. */
async function complaints(code: string): Promise<string[]> {
  device.gpu.pushErrorScope('validation');
  const module = device.gpu.createShaderModule({ code });
  const { messages } = await device.wait(() => module.getCompilationInfo());
  await device.wait(() => device.gpu.popErrorScope());
  return messages.filter((m) => m.type === 'error').map((m) => `${m.lineNum}: ${m.message}`);
}

const text = (kernel: Kernel): string => preprocess(kernel.shader, kernel.defines);

describe.each(Object.entries(CALLS))('%s', (title, call) => {
  // What odd sizes and slices change is the same for every shape of matrices.
  test.each(title.endsWith('whole eights') ? SHAPES : SHAPES.slice(0, 3))(
    'matrices of %i×%i×%i: the text of every tuning at every subgroup size',
    async (...shape) => {
      const seen = new Set<string>();
      // So is what the subgroup size changes.
      for (const caps of shape.join() === '16,16,16' ? adapters(shape) : [gpuCaps([matrixShape(...shape)])]) {
        const found = kernels(call, caps);
        expect(found.length).toBeGreaterThan(3);
        expect(found.some(({ kernels }) => kernels.length === 2)).toBe(title.endsWith('slices'));
        for (const { tuning, kernels } of found)
          for (const kernel of kernels) {
            const code = text(kernel);
            if (seen.has(code)) continue;
            seen.add(code);
            expect(await complaints(code), JSON.stringify(tuning)).toEqual([]);
          }
      }
    },
  );

  test('pipelines, as far as the null device goes', async () => {
    const outcomes = { made: 0, refused: 0 };
    for (const { tuning, kernels: list } of kernels(call, gpuCaps([matrixShape(16, 16, 16)], 64)))
      for (const kernel of list) {
        const threads = (kernel.defines.THREADS as number | undefined) ?? NULL_SUBGROUP;
        if (threads % NULL_SUBGROUP !== 0 || threads > device.caps.maxInvocations) continue;
        const bytes = kernel.shader.endsWith('-sum') ? 0 : matrixWorkgroupBytes(tuning);
        if (bytes <= device.caps.maxWorkgroupBytes) {
          await pipelines.get(kernel);
          outcomes.made++;
        } else {
          await expect(pipelines.get(kernel)).rejects.toThrow(`workgroup storage (${bytes} bytes)`);
          outcomes.refused++;
        }
      }
    expect(outcomes.made).toBeGreaterThan(0);
    expect(outcomes.refused).toBeGreaterThan(2);
  });
});

test('a broken kernel is found', async () => {
  const [first] = kernels(CALLS['linear, whole eights'], gpuCaps([matrixShape(16, 16, 16)]));
  const good = text(first!.kernels[0]!);
  expect(await complaints(good)).toEqual([]);
  const broken: readonly [string, string, RegExp][] = [
    [
      'subgroup_matrix_left<f16, MAT_K, MAT_M>',
      'subgroup_matrix_left<f16, MAT_M + 1u, MAT_M>',
      /subgroupMatrixMultiply/,
    ],
    ['let sub_m = subgroup / SUBS_N', 'let sub_m = lid / SUBS_N', /uniform/],
    ['if (k + BK < range.y) {', 'if (lid < range.y) { workgroupBarrier();', /uniform/],
    ['subgroup_matrix_right<f16', 'subgroup_matrix_right<f32', /subgroupMatrixMultiply/],
  ];
  for (const [from, to, message] of broken) {
    expect(good).toContain(from);
    const found = await complaints(good.replaceAll(from, to));
    expect(found.join('\n'), to).toMatch(message);
  }
});
