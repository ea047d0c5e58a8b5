import type { AttributeCheckerConfig } from '../../src/ts/models/attribute-checker.js';

type Weights = Readonly<Record<string, Float32Array>>;

/** One picture, channels first: data[(c · side + y) · side + x]. */
interface Picture {
  readonly channels: number;
  readonly side: number;
  readonly data: Float64Array;
}

/** Logits [B, labels] by head, in f64 and as PyTorch defines the layers; pixels are channels last. */
export function checkerForward(
  config: AttributeCheckerConfig,
  weights: Weights,
  pixels: Float32Array,
  batch: number,
): Record<string, number[]> {
  const logits: Record<string, number[]> = {};
  const { image_size: side, in_channels: channels } = config;
  const size = side * side * channels;
  for (let image = 0; image < batch; image++) {
    const data = new Float64Array(size);
    for (let i = 0; i < size; i++)
      data[(i % channels) * side * side + Math.floor(i / channels)] = pixels[image * size + i]!;
    let x: Picture = { channels, side, data };
    config.channels.forEach((outChannels, i) => {
      x = convolve(x, weights, `stages.${i}.conv`, { outChannels, kernel: 3, stride: 2, pad: 1 });
      x = silu(groupNorm(x, weights, `stages.${i}.norm`, config.norm_num_groups, config.norm_eps));
    });
    x = silu(convolve(x, weights, 'features', { outChannels: config.features, kernel: 4, stride: 4, pad: 0 }));
    for (const [name, labels] of Object.entries(config.heads)) {
      const w = weights[`heads.${name}.weight`]!;
      const bias = weights[`heads.${name}.bias`]!;
      logits[name] ??= [];
      for (let n = 0; n < labels.length; n++)
        logits[name].push(x.data.reduce((sum, v, k) => sum + v * w[n * x.data.length + k]!, bias[n]!));
    }
  }
  return logits;
}

function convolve(
  x: Picture,
  weights: Weights,
  name: string,
  o: { readonly outChannels: number; readonly kernel: number; readonly stride: number; readonly pad: number },
): Picture {
  const w = weights[`${name}.weight`]!;
  const bias = weights[`${name}.bias`]!;
  const side = Math.floor((x.side + 2 * o.pad - o.kernel) / o.stride) + 1;
  const data = new Float64Array(o.outChannels * side * side);
  const at = (c: number, y: number, column: number): number =>
    y < 0 || column < 0 || y >= x.side || column >= x.side ? 0 : x.data[(c * x.side + y) * x.side + column]!;
  for (let n = 0; n < o.outChannels; n++)
    for (let y = 0; y < side; y++)
      for (let column = 0; column < side; column++) {
        let sum = bias[n]!;
        for (let c = 0; c < x.channels; c++)
          for (let dy = 0; dy < o.kernel; dy++)
            for (let dx = 0; dx < o.kernel; dx++)
              sum +=
                at(c, y * o.stride + dy - o.pad, column * o.stride + dx - o.pad) *
                w[((n * x.channels + c) * o.kernel + dy) * o.kernel + dx]!;
        data[(n * side + y) * side + column] = sum;
      }
  return { channels: o.outChannels, side, data };
}

function groupNorm(x: Picture, weights: Weights, name: string, groups: number, eps: number): Picture {
  const gamma = weights[`${name}.weight`]!;
  const beta = weights[`${name}.bias`]!;
  const positions = x.side * x.side;
  const size = (x.channels / groups) * positions;
  const data = new Float64Array(x.data.length);
  for (let group = 0; group < groups; group++) {
    const part = x.data.subarray(group * size, (group + 1) * size);
    const mean = part.reduce((a, b) => a + b, 0) / size;
    const variance = part.reduce((a, b) => a + (b - mean) ** 2, 0) / size;
    part.forEach((v, i) => {
      const channel = Math.floor((group * size + i) / positions);
      data[group * size + i] = ((v - mean) / Math.sqrt(variance + eps)) * gamma[channel]! + beta[channel]!;
    });
  }
  return { ...x, data };
}

const silu = (x: Picture): Picture => ({ ...x, data: x.data.map((v) => v / (1 + Math.exp(-v))) });
