import { describe, expect, test } from 'vitest';
import { Device } from '../../src/ts/gpu/device.js';
import { PipelineCache } from '../../src/ts/gpu/pipelines.js';
import { preprocess } from '../../src/ts/gpu/preprocess.js';
import type { GraphBuilder, T } from '../../src/ts/graph/builder.js';
import { matrixAttentionBytes } from '../../src/ts/ops/attention/attention-matrix.js';
import { tileWorkgroupBytes } from '../../src/ts/ops/attention/attention-tile.js';
import type { DeviceCaps, Kernel, Tuning } from '../../src/ts/ops/types.js';
import { compileNode, gpuCaps, matrixShape } from './support/calls.js';

/** Dawn's null backend checks WGSL in full without running it: every tuning of attention's GPU variants, for GPUs that are not here. */
const device = await Device.open({ backend: 'null' });
const pipelines = new PipelineCache(device);
const NULL_SUBGROUP = 128;

const SHAPES = [
  [8, 8, 8],
  [16, 16, 16],
  [16, 8, 16],
  [16, 8, 8],
  [8, 16, 16],
] as const;

/** Image attention with words of text before, as in a decoder: queries, heads, head size. */
const image =
  (queries: number, heads: number, head: number, batch = 2) =>
  (g: GraphBuilder) => {
    const width = heads * head;
    return g.attention(g.input('q', [batch, queries, width]), g.input('kv', [batch, queries, 2 * width]), {
      heads,
      scale: 1 / Math.sqrt(head),
      context: g.input('context', [batch, 81, 2 * width]),
      mask: g.input('mask', [batch, 81], 'f32'),
    });
  };

/** Messages of the WGSL compiler for a text. */
async function complaints(code: string): Promise<string[]> {
  device.gpu.pushErrorScope('validation');
  const module = device.gpu.createShaderModule({ code });
  const { messages } = await device.wait(() => module.getCompilationInfo());
  await device.wait(() => device.gpu.popErrorScope());
  return messages.filter((m) => m.type === 'error').map((m) => `${m.lineNum}: ${m.message}`);
}

const text = (kernel: Kernel): string => preprocess(kernel.shader, kernel.defines);

/** Texts of every tuning of a variant that runs the call, by tuning. */
function texts(variant: string, build: (g: GraphBuilder) => T, caps: DeviceCaps): Map<string, string> {
  const { record, call } = compileNode(build, caps, { variants: { attention: variant } });
  const found = record.variants.find((v) => v.name === variant)!;
  return new Map(
    found.tunings!(call, caps).map((t) => [JSON.stringify(t), text(found.lower(call, caps, t)[0]!)] as const),
  );
}

describe('attention on matrix units: the text of every tuning', () => {
  test.each(SHAPES)('matrices of %i×%i×%i', async (...shape) => {
    const seen = new Set<string>();
    for (const [subgroup, head, least] of [
      [8, 64, 4],
      [32, 20, 4],
      [32, 40, 4],
      [32, 64, 4],
      [32, 128, 2],
      [64, 64, 3],
    ] as const) {
      const found = texts('matrix', image(1024, 10, head), gpuCaps([matrixShape(...shape)], subgroup));
      expect(found.size, `${subgroup} invocations, head size ${head}`).toBeGreaterThanOrEqual(least);
      for (const [tuning, code] of found) {
        if (seen.has(code)) continue;
        seen.add(code);
        expect(await complaints(code), `head size ${head} ${tuning}`).toEqual([]);
      }
    }
  });

  test('a broken kernel is found', async () => {
    const [good] = texts('matrix', image(1024, 10, 64), gpuCaps([matrixShape(16, 16, 16)], 32)).values();
    expect(await complaints(good!)).toEqual([]);
    for (const [from, to, message] of [
      ['subgroup_matrix_left<f16, MAT_K, MAT_M>', 'subgroup_matrix_left<f16, MAT_M + 1u, MAT_M>', /no matching call/],
      ['let multiplies = subgroup <', 'let multiplies = lid <', /uniform/],
      ['let scaling = workgroupUniformLoad(&scaled_block)', 'let scaling = atomicLoad(&scaled_block)', /uniform/],
    ] as const) {
      expect(good).toContain(from);
      expect((await complaints(good!.replace(from, to))).join('\n'), to).toMatch(message);
    }
  });
});

describe('attention: which variant runs', () => {
  const chosen = (caps: DeviceCaps, dtype: 'f32' | 'f16', head = 64, batch = 2): string =>
    compileNode(image(256, 10, head, batch), caps, {}, dtype).variant;
  const nvidia = gpuCaps([matrixShape(16, 16, 16), matrixShape(16, 8, 16)]);

  test('by adapter, storage and head size', () => {
    for (const head of [20, 32, 64, 80, 128]) expect(chosen(nvidia, 'f16', head)).toBe('matrix');
    expect(chosen(nvidia, 'f32')).toBe('subgroup');
    expect(chosen(gpuCaps([]), 'f16')).toBe('subgroup');
    expect(chosen({ ...gpuCaps([]), subgroupSize: 0 }, 'f32')).toBe('subgroup');
    expect(chosen({ ...gpuCaps([]), subgroups: false, subgroupSize: 0, subgroupMaxSize: 0 }, 'f16')).toBe('f16');
    expect(chosen({ ...gpuCaps([]), subgroups: false, subgroupSize: 0, subgroupMaxSize: 0 }, 'f32')).toBe('portable');
    expect(chosen(nvidia, 'f16', 7)).toBe('portable');
    expect(chosen({ ...nvidia, maxWorkgroupBytes: 2048 }, 'f16')).toBe('portable');
    expect(chosen({ ...gpuCaps([matrixShape(8, 8, 8)], 8), software: true }, 'f16')).toBe('cpu');
  });

  test('variant and tile do not look at the batch', () => {
    for (const dtype of ['f32', 'f16'] as const) {
      const [one, many] = [1, 64].map((batch) => compileNode(image(256, 10, 64, batch), nvidia, {}, dtype));
      expect([one!.variant, one!.tuning]).toEqual([many!.variant, many!.tuning]);
    }
  });
});

describe('attention by register tiles: the text of every tuning', () => {
  test.each([4, 8, 32, 64])('subgroups of %i', async (size) => {
    for (const head of [20, 64, 128])
      for (const [tuning, code] of texts('subgroup', image(1024, 10, head), gpuCaps([], size)))
        expect(await complaints(code), `head size ${head} ${tuning}`).toEqual([]);
  });

  test.each(['f16', 'portable'])('without subgroups: %s', async (variant) => {
    for (const head of [20, 64, 128])
      for (const [tuning, code] of texts(variant, image(1024, 10, head), gpuCaps([], 32)))
        expect(await complaints(code), `head size ${head} ${tuning}`).toEqual([]);
  });
});

/**
 * The null device makes pipelines of up to 256 invocations (128 in a subgroup) and 16 KiB of workgroup memory; for larger ones its
 * message says how much they need.
 */
describe('the bytes of workgroup memory that tunings are chosen by are those of the kernels', () => {
  const form = (subgroups: boolean, stageF16: boolean) => ({ subgroups, stageF16, across: 8 });
  test.each([
    ['subgroup', gpuCaps([], 32), (t: Tuning, head: number) => tileWorkgroupBytes(t, head, form(true, false))],
    ['f16', gpuCaps([], 32), (t: Tuning, head: number) => tileWorkgroupBytes(t, head, form(false, true))],
    ['portable', gpuCaps([], 32), (t: Tuning, head: number) => tileWorkgroupBytes(t, head, form(false, false))],
    ['matrix', gpuCaps([matrixShape(16, 16, 16)], 64), matrixAttentionBytes],
  ] as const)('%s', async (variant, caps, bytesOf) => {
    const outcomes = { made: 0, refused: 0 };
    for (const head of [20, 32, 64, 80, 128]) {
      const { record, call } = compileNode(image(1024, 10, head), caps, { variants: { attention: variant } });
      const found = record.variants.find((v) => v.name === variant)!;
      for (const tuning of found.tunings!(call, caps)) {
        const kernel = found.lower(call, caps, tuning)[0]!;
        const threads = (kernel.defines.THREADS as number | undefined) ?? NULL_SUBGROUP;
        if (tuning.chunked !== undefined || threads % NULL_SUBGROUP !== 0 || threads > 256) continue;
        const bytes = bytesOf(tuning, head);
        expect(bytes).toBeLessThanOrEqual(caps.maxWorkgroupBytes);
        if (bytes <= device.caps.maxWorkgroupBytes) {
          await pipelines.get(kernel);
          outcomes.made++;
        } else {
          await expect(pipelines.get(kernel)).rejects.toThrow(`workgroup storage (${bytes} bytes)`);
          outcomes.refused++;
        }
      }
    }
    expect(outcomes.made).toBeGreaterThan(0);
    expect(outcomes.refused).toBeGreaterThan(0);
  });
});
