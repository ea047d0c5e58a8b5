import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { packStepParams, STEP_PARAMS_FLOATS, type StepParams } from '../../src/ts/diffusion/step-params.js';
import { stepReference } from '../../src/ts/diffusion/step-reference.js';
import { addon, type ConvSizes, type Reals } from '../../src/ts/native/addon.js';
import { TorchGenerator } from '../../src/ts/native/torch-generator.js';
import { readSafetensors } from '../support/safetensors.js';

const ops = addon();
const generator = new TorchGenerator(11);
const noise = (...shape: number[]): Float32Array => generator.randn(shape);

function maxError(a: Reals, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let max = 0;
  for (let i = 0; i < a.length; i++) max = Math.max(max, Math.abs(a[i]! - b[i]!));
  return max;
}

/** Element b, l, c of three extents in row-major order. */
const at = (x: ArrayLike<number>, lengths: number, channels: number, b: number, l: number, c: number): number =>
  x[(b * lengths + l) * channels + c]!;

function build(shape: number[], value: (...index: number[]) => number): Float64Array {
  const out = new Float64Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < out.length; i++) {
    const index: number[] = [];
    for (let rest = i, d = shape.length - 1; d >= 0; rest = Math.floor(rest / shape[d]!), d--)
      index.unshift(rest % shape[d]!);
    out[i] = value(...index);
  }
  return out;
}

const sum = (count: number, term: (i: number) => number): number => {
  let total = 0;
  for (let i = 0; i < count; i++) total += term(i);
  return total;
};

describe('against plain JavaScript', () => {
  it('linear', () => {
    const [m, n, k] = [5, 7, 9];
    const [x, w, bias] = [noise(m, k), noise(n, k), noise(n)];
    const want = build([m, n], (i, j) => bias[j]! + sum(k, (p) => x[i! * k + p]! * w[j! * k + p]!));
    expect(maxError(ops.linear(x, w, bias, { m, n, k }), want)).toBeLessThan(1e-14);
    const bare = build([m, n], (i, j) => want[i! * n + j!]! - bias[j!]!);
    expect(maxError(ops.linear(Float64Array.from(x), w, null, { m, n, k }), bare)).toBeLessThan(1e-13);
  });

  it.each([
    { stride: 1, pad: 1, upsample: 1, kernelHeight: 3, kernelWidth: 3 },
    { stride: 2, pad: 1, upsample: 1, kernelHeight: 3, kernelWidth: 3 },
    { stride: 1, pad: 1, upsample: 2, kernelHeight: 3, kernelWidth: 3 },
    { stride: 1, pad: 0, upsample: 1, kernelHeight: 1, kernelWidth: 1 },
    { stride: 3, pad: 2, upsample: 1, kernelHeight: 4, kernelWidth: 2 },
  ] as const)('conv2d %o', (kind) => {
    const s: ConvSizes = { batch: 2, height: 6, width: 5, inChannels: 3, outChannels: 4, ...kind };
    const x = noise(s.batch, s.height, s.width, s.inChannels);
    const w = noise(s.outChannels, s.inChannels, s.kernelHeight, s.kernelWidth);
    const bias = noise(s.outChannels);
    const outHeight = Math.floor((s.height * s.upsample + 2 * s.pad - s.kernelHeight) / s.stride) + 1;
    const outWidth = Math.floor((s.width * s.upsample + 2 * s.pad - s.kernelWidth) / s.stride) + 1;
    const pixel = (b: number, y: number, z: number, i: number): number =>
      y < 0 || z < 0 || y >= s.height * s.upsample || z >= s.width * s.upsample
        ? 0
        : x[((b * s.height + Math.floor(y / s.upsample)) * s.width + Math.floor(z / s.upsample)) * s.inChannels + i]!;
    const want = build([s.batch, outHeight, outWidth, s.outChannels], (b, y, z, o) => {
      let total = bias[o!]!;
      for (let i = 0; i < s.inChannels; i++)
        for (let ky = 0; ky < s.kernelHeight; ky++)
          for (let kx = 0; kx < s.kernelWidth; kx++)
            total +=
              w[((o! * s.inChannels + i) * s.kernelHeight + ky) * s.kernelWidth + kx]! *
              pixel(b!, y! * s.stride + ky - s.pad, z! * s.stride + kx - s.pad, i);
      return total;
    });
    expect(maxError(ops.conv2d(x, w, bias, s), want)).toBeLessThan(1e-13);
  });

  it('groupNorm and layerNorm', () => {
    const [batch, length, channels, groups, eps] = [2, 6, 8, 4, 1e-5];
    const width = channels / groups;
    const [x, gamma, beta] = [noise(batch, length, channels), noise(channels), noise(channels)];
    const want = build([batch, length, channels], (b, l, c) => {
      const from = Math.floor(c! / width) * width;
      const member = (i: number) => at(x, length, channels, b!, Math.floor(i / width), from + (i % width));
      const mean = sum(length * width, member) / (length * width);
      const variance = sum(length * width, (i) => (member(i) - mean) ** 2) / (length * width);
      return ((at(x, length, channels, b!, l!, c!) - mean) / Math.sqrt(variance + eps)) * gamma[c!]! + beta[c!]!;
    });
    const got = ops.groupNorm(x, gamma, beta, { batch, length, channels, groups, eps });
    expect(maxError(got, want)).toBeLessThan(1e-13);
    const rows = batch * length;
    const layer = ops.layerNorm(x, gamma, beta, { rows, channels, eps });
    const asGroup = ops.groupNorm(x, gamma, beta, { batch: rows, length: 1, channels, groups: 1, eps });
    expect(maxError(layer, asGroup)).toBe(0);
    const plain = ops.layerNorm(x, null, null, { rows, channels, eps: 0 });
    expect(Math.abs(sum(channels, (c) => plain[c]!))).toBeLessThan(1e-13);
    expect(sum(channels, (c) => plain[c]! ** 2)).toBeCloseTo(channels, 12);
  });

  it.each([
    [true, false],
    [false, true],
    [true, true],
  ])('attention, mask %s, causal %s', (masked, causal) => {
    const s = { batch: 2, queries: 5, keys: 5, heads: 2, headDim: 3, scale: 0.4, causal };
    const width = s.heads * s.headDim;
    const [q, k, v] = [noise(2, 5, width), noise(2, 5, width), noise(2, 5, width)];
    const mask = masked ? Float32Array.from({ length: 10 }, (_, i) => (i % 5 === 3 ? -10000 : i * 0.1)) : null;
    const want = build([s.batch, s.queries, width], (b, i, c) => {
      const head = Math.floor(c! / s.headDim) * s.headDim;
      const exp = (j: number): number => {
        if (causal && j > i!) return 0;
        const dot = sum(s.headDim, (d) => at(q, 5, width, b!, i!, head + d) * at(k, 5, width, b!, j, head + d));
        return Math.exp(dot * s.scale + (mask?.[b! * 5 + j] ?? 0));
      };
      return sum(s.keys, (j) => exp(j) * at(v, 5, width, b!, j, c!)) / sum(s.keys, exp);
    });
    expect(maxError(ops.attention(q, k, v, mask, s), want)).toBeLessThan(1e-13);
  });

  it('softmax does not overflow', () => {
    const got = ops.softmax(Float64Array.of(1000, 1001, -1e300, 0, 0, 0), { rows: 2, columns: 3 });
    const e = Math.E;
    expect(maxError(got, [1 / (1 + e), e / (1 + e), 0, 1 / 3, 1 / 3, 1 / 3])).toBeLessThan(1e-15);
  });

  it('activations, known values', () => {
    const x = Float64Array.of(-1, 0, 1, 3);
    // Φ(1) and Φ(3) of a table of the normal distribution.
    const [phi1, phi3] = [0.8413447460685429, 0.9986501019683699];
    expect(maxError(ops.gelu(x), [phi1 - 1, 0, phi1, 3 * phi3])).toBeLessThan(1e-15);
    const sigmoid = (t: number) => 1 / (1 + Math.exp(-t));
    expect(
      maxError(
        ops.silu(x),
        Array.from(x, (t) => t * sigmoid(t)),
      ),
    ).toBeLessThan(1e-15);
    expect(
      maxError(
        ops.quickGelu(x),
        Array.from(x, (t) => t * sigmoid(1.702 * t)),
      ),
    ).toBeLessThan(1e-15);
    expect(Array.from(ops.silu(Float64Array.of(-1e4, 1e4)))).toEqual([-0, 1e4]);
  });

  it('avgPool2x and nearest2x', () => {
    const sizes = { batch: 2, height: 4, width: 6, channels: 3 };
    const x = noise(2, 4, 6, 3);
    const pixel = (b: number, y: number, z: number, c: number) => x[((b * 4 + y) * 6 + z) * 3 + c]!;
    const mean = build([2, 2, 3, 3], (b, y, z, c) => {
      const [top, left] = [y! * 2, z! * 2];
      return sum(4, (i) => pixel(b!, top + (i >> 1), left + (i & 1), c!)) / 4;
    });
    expect(maxError(ops.avgPool2x(x, sizes), mean)).toBeLessThan(1e-15);
    const doubled = build([2, 8, 12, 3], (b, y, z, c) => pixel(b!, y! >> 1, z! >> 1, c!));
    expect(maxError(ops.nearest2x(x, sizes), doubled)).toBe(0);
  });

  it('bicubicAntialias keeps a constant picture and the mean of a shrunk one', () => {
    const sizes = { batch: 1, height: 12, width: 10, channels: 2 };
    const flat = ops.bicubicAntialias(new Float32Array(240).fill(0.75), { ...sizes, outHeight: 5, outWidth: 33 });
    expect(maxError(flat, new Float64Array(5 * 33 * 2).fill(0.75))).toBeLessThan(1e-15);
    const same = noise(1, 12, 10, 2);
    expect(maxError(ops.bicubicAntialias(same, { ...sizes, outHeight: 12, outWidth: 10 }), same)).toBeLessThan(1e-15);
  });

  it('timestepEmbedding, cosines first', () => {
    const dim = 6;
    const want = build([2, dim], (b, i) => {
      const angle = [0, 999][b!]! * 10000 ** (-(i! % 3) / 3);
      return i! < 3 ? Math.cos(angle) : Math.sin(angle);
    });
    expect(maxError(ops.timestepEmbedding(Float32Array.of(0, 999), { batch: 2, dim }), want)).toBeLessThan(1e-12);
  });

  it.each([
    [true, 1],
    [true, 8],
    [false, 4],
  ])('diffusionStep as the f32 reference, learned variance %s, guidance %i', (learned, guidanceScale) => {
    const params: StepParams = {
      timestep: 500,
      guidanceScale,
      x0FromSample: 1,
      x0FromOutput: -0.8,
      x0Divisor: 0.6,
      clipRange: 1,
      x0Coeff: 0.3,
      xtCoeff: 0.65,
      std: learned ? 0 : 0.2,
      logVarMin: learned ? -5 : 0,
      logVarMax: learned ? -3 : 0,
      noiseScale: 1,
      learnedVariance: learned ? 1 : 0,
      outputClip: 0,
      x0PrevCoeff: -0.25,
    };
    const [pixels, channels, outChannels] = [6, 3, learned ? 6 : 3];
    const inputs = {
      sample: noise(pixels, channels),
      conditional: noise(pixels, outChannels),
      unconditional: noise(pixels, outChannels),
      noise: noise(pixels, channels),
      x0Prev: noise(pixels, channels),
    };
    const packed = new Float32Array(2 * STEP_PARAMS_FLOATS);
    packStepParams(params, packed, 0);
    const last: StepParams = { ...params, noiseScale: 0, outputClip: 1 };
    packStepParams(last, packed, 1);
    // Two images of a batch with the same inputs, each with its own record.
    const twice = (x: Float32Array) => Float32Array.of(...x, ...x);
    const got = ops.diffusionStep(
      twice(inputs.sample),
      twice(inputs.conditional),
      guidanceScale === 1 ? null : twice(inputs.unconditional),
      twice(inputs.noise),
      packed,
      twice(inputs.x0Prev),
      { batch: 2, pixels, channels, outChannels },
    );
    const half = got.length / 2;
    expect(maxError(got.subarray(0, half), stepReference(params, { ...inputs, channels }).sample)).toBeLessThan(2e-6);
    expect(maxError(got.subarray(half), stepReference(last, { ...inputs, channels }).sample)).toBeLessThan(2e-6);
  });
});

describe('against PyTorch, f32', () => {
  const file = readSafetensors(fileURLToPath(new URL('../fixtures/reference/diffusers.safetensors', import.meta.url)));
  const get = (name: string): Float32Array => file.f32(name);
  /** [B, C, H, W] of one image to channels last. */
  const channelsLast = (name: string): Float32Array => {
    const { shape } = file.get(name);
    const [channels, pixels] = [shape[1]!, shape[2]! * shape[3]!];
    const data = get(name);
    return Float32Array.from(data, (_, i) => data[(i % channels) * pixels + Math.floor(i / channels)]!);
  };

  it('a layer of a CLIP text encoder: layerNorm, linear, causal attention, quickGelu', () => {
    const [m, channels, heads] = [77, 16, 4];
    const w = (name: string) => get(`text.${name}`);
    const norm = (x: Reals, name: string) =>
      ops.layerNorm(x, w(`${name}.weight`), w(`${name}.bias`), { rows: m, channels, eps: 1e-5 });
    const dense = (x: Reals, name: string, n: number, k: number) =>
      ops.linear(x, w(`${name}.weight`), w(`${name}.bias`), { m, n, k });
    const add = (a: Reals, b: Reals) => Float64Array.from(a, (value, i) => value + b[i]!);
    const x = w('hidden.0');
    const normed = norm(x, 'layer_norm1');
    const [q, k, v] = ['q', 'k', 'v'].map((p) => dense(normed, `self_attn.${p}_proj`, channels, channels));
    const sizes = { batch: 1, queries: m, keys: m, heads, headDim: channels / heads, scale: 0.5, causal: true };
    const mixed = ops.attention(q!, k!, v!, null, sizes);
    const middle = add(x, dense(mixed, 'self_attn.out_proj', channels, channels));
    const inner = ops.quickGelu(dense(norm(middle, 'layer_norm2'), 'mlp.fc1', 4 * channels, channels));
    const out = add(middle, dense(inner, 'mlp.fc2', channels, 4 * channels));
    expect(maxError(out, w('hidden.1'))).toBeLessThan(2e-6);
  });

  it('the ends of a UNet: timestepEmbedding, silu, conv2d, groupNorm', () => {
    const w = (name: string) => get(`decoder.${name}`);
    const t = Float32Array.from(file.numbers('decoder.timestep'));
    const sinusoid = ops.timestepEmbedding(t, { batch: 1, dim: 8 });
    const dense = (x: Reals, layer: number, k: number) => {
      const name = `time_embedding.linear_${layer}`;
      return ops.linear(x, w(`${name}.weight`), w(`${name}.bias`), { m: 1, n: 32, k });
    };
    const time = dense(ops.silu(dense(sinusoid, 1, 8)), 2, 32);
    expect(maxError(time, w('hook.time_embedding'))).toBeLessThan(2e-5);

    const picture = {
      batch: 1,
      height: 16,
      width: 16,
      kernelHeight: 3,
      kernelWidth: 3,
      stride: 1,
      pad: 1,
      upsample: 1,
    } as const;
    const first = ops.conv2d(channelsLast('decoder.sample'), w('conv_in.weight'), w('conv_in.bias'), {
      ...picture,
      inChannels: 3,
      outChannels: 8,
    });
    expect(maxError(first, channelsLast('decoder.hook.conv_in'))).toBeLessThan(2e-6);

    const sizes = { batch: 1, length: 256, channels: 8, groups: 4, eps: 1e-5 };
    const normed = ops.groupNorm(
      channelsLast('decoder.hook.up_blocks.3'),
      w('conv_norm_out.weight'),
      w('conv_norm_out.bias'),
      sizes,
    );
    expect(maxError(normed, channelsLast('decoder.hook.conv_norm_out'))).toBeLessThan(5e-6);
    const last = ops.conv2d(ops.silu(normed), w('conv_out.weight'), w('conv_out.bias'), {
      ...picture,
      inChannels: 8,
      outChannels: 6,
    });
    expect(maxError(last, channelsLast('decoder.out'))).toBeLessThan(5e-6);
  });

  it('bicubicAntialias enlarging 12 to 48', () => {
    const sizes = { batch: 1, height: 12, width: 12, channels: 3, outHeight: 48, outWidth: 48 };
    const got = ops.bicubicAntialias(channelsLast('sr.image_small'), sizes);
    expect(maxError(got, channelsLast('sr.image_upscaled'))).toBeLessThan(2e-6);
  });
});

describe('operands that do not fit', () => {
  const invalid = expect.objectContaining({ code: 'INPUT_INVALID' });

  it('are refused', () => {
    const x = new Float32Array(6);
    expect(() => ops.linear(x, x, null, { m: 2, n: 2, k: 2 })).toThrow(invalid);
    expect(() => ops.linear(x, x, null, { m: 2, n: 2, k: -3 })).toThrow(invalid);
    expect(() => ops.linear(x, x, null, { m: 2, n: 2.5, k: 3 })).toThrow(invalid);
    expect(() => ops.linear(x, new Int32Array(6) as unknown as Float32Array, null, { m: 2, n: 2, k: 3 })).toThrow(
      invalid,
    );
    expect(() => ops.groupNorm(x, null, null, { batch: 1, length: 2, channels: 3, groups: 2, eps: 0 })).toThrow(
      invalid,
    );
    const conv = { batch: 1, height: 1, width: 2, inChannels: 3, outChannels: 1, kernelHeight: 3, kernelWidth: 3 };
    expect(() => ops.conv2d(x, new Float32Array(27), null, { ...conv, stride: 1, pad: 0, upsample: 1 })).toThrow(
      invalid,
    );
  });

  it('are refused before memory is taken', () => {
    const large = expect.objectContaining({ code: 'INPUT_TOO_LARGE' });
    const x = new Float32Array(1);
    expect(() => ops.softmax(x, { rows: 2 ** 30, columns: 2 ** 30 })).toThrow(large);
    const sizes = { batch: 1, height: 1, width: 1, channels: 1, outHeight: 2 ** 20, outWidth: 2 ** 20 };
    expect(() => ops.bicubicAntialias(x, sizes)).toThrow(large);
  });
});
