import { elementCount } from '../../graph/types.js';
import { addon } from '../../native/addon.js';
import { lastDim } from '../../ops/lowering.js';
import { elementwise, pick, type Reference } from './sample.js';

type Picture = [number, number, number, number];

export const upsampleNearest2x: Reference = (o) => {
  const x = o.values(0);
  const [, height, width, channels] = o.call.inputs[0]!.shape as Picture;
  return elementwise(o.call, (i) => {
    const [pixel, c] = [Math.floor(i / channels), i % channels];
    const [column, row] = [pixel % (2 * width), Math.floor(pixel / (2 * width)) % (2 * height)];
    const image = Math.floor(pixel / (4 * width * height));
    return x[((image * height + (row >> 1)) * width + (column >> 1)) * channels + c]!;
  });
};

/** One number of each 2×2 block. */
const pool2x =
  (of: (block: readonly number[]) => number): Reference =>
  (o) => {
    const x = o.values(0);
    const [, height, width, channels] = o.call.inputs[0]!.shape as Picture;
    const [, outHeight, outWidth] = o.call.outputs[0]!.shape as Picture;
    return elementwise(o.call, (i) => {
      const [pixel, c] = [Math.floor(i / channels), i % channels];
      const [column, row] = [pixel % outWidth, Math.floor(pixel / outWidth) % outHeight];
      const image = Math.floor(pixel / (outWidth * outHeight));
      const at = (y: number, z: number): number =>
        x[((image * height + 2 * row + y) * width + 2 * column + z) * channels + c]!;
      return of([at(0, 0), at(0, 1), at(1, 0), at(1, 1)]);
    });
  };

export const avgPool2x = pool2x((block) => block.reduce((a, b) => a + b) / 4);
export const maxPool2x = pool2x((block) => Math.max(...block));

export const logitPixels: Reference = (o) => {
  const x = o.values(0);
  const channels = lastDim(o.call.inputs[0]!);
  const eps = o.call.attrs.eps as number;
  return elementwise(o.call, (i) => {
    const value = 1 / (1 + Math.exp(-x[Math.floor(i / 3) * channels + (i % 3)]!));
    return 2 * Math.min(Math.max((value - eps) / (1 - 2 * eps), 0), 1) - 1;
  });
};

/** Some planes, each whole: an image's channel is resized by itself. */
export const bicubicResize: Reference = ({ call, values }) => {
  const x = values(0);
  const [batch, height, width, channels] = call.inputs[0]!.shape as Picture;
  const [, outHeight, outWidth] = call.outputs[0]!.shape as Picture;
  const indices: number[] = [];
  const expected: number[] = [];
  for (const plane of pick(batch * channels, 3)) {
    const [image, c] = [Math.floor(plane / channels), plane % channels];
    const own = Float64Array.from(
      { length: height * width },
      (_, i) => x[(image * height * width + i) * channels + c]!,
    );
    const sizes = { batch: 1, height, width, channels: 1, outHeight, outWidth };
    const resized = addon().bicubicAntialias(own, sizes);
    for (const i of pick(resized.length, 2048)) {
      indices.push((image * outHeight * outWidth + i) * channels + c);
      expected.push(resized[i]!);
    }
  }
  return { indices, expected: Float64Array.from(expected) };
};

/** Some pixels of every image, all channels. The result is that of the latents; the prediction of x₀ is not looked at. */
export const diffusionStep: Reference = ({ call, values }) => {
  const [model, latents, noise, records] = [values(0), values(1), values(2), values(3)];
  const [batch, channels] = [call.inputs[1]!.shape[0]!, lastDim(call.inputs[1]!)];
  const outChannels = lastDim(call.inputs[0]!);
  const perImage = elementCount(call.inputs[1]!.shape) / batch / channels;
  const chosen = pick(perImage, 512);
  const gather = (from: ArrayLike<number>, width: number, firstPixel = 0): Float64Array =>
    Float64Array.from({ length: batch * chosen.length * width }, (_, i) => {
      const [pixel, c] = [Math.floor(i / width), i % width];
      const [image, place] = [Math.floor(pixel / chosen.length), chosen[pixel % chosen.length]!];
      return from[(firstPixel + image * perImage + place) * width + c]!;
    });
  const guided = call.attrs.guided === true;
  const expected = addon().diffusionStep(
    gather(latents, channels),
    gather(model, outChannels, guided ? batch * perImage : 0),
    guided ? gather(model, outChannels) : null,
    gather(noise, channels),
    records as Float32Array,
    null,
    { batch, pixels: chosen.length, channels, outChannels },
  );
  const indices = Array.from({ length: batch * chosen.length * channels }, (_, i) => {
    const pixel = Math.floor(i / channels);
    return (Math.floor(pixel / chosen.length) * perImage + chosen[pixel % chosen.length]!) * channels + (i % channels);
  });
  return { indices, expected };
};

/** RePaint's mixture in fp64. */
export const keepKnown: Reference = (o) => {
  const [latents, known, weights, noise, records] = [0, 1, 2, 3, 4].map((k) => o.values(k)) as Float32Array[];
  const channels = lastDim(o.call.inputs[0]!);
  const perImage = latents!.length / o.call.inputs[0]!.shape[0]!;
  return elementwise(o.call, (i) => {
    const [a, b, c, d] = records!.subarray(4 * Math.floor(i / perImage)) as unknown as [number, number, number, number];
    const weight = weights![Math.floor(i / channels)]!;
    return weight * (a * known![i]! + b * noise![i]!) + (1 - weight) * (c * latents![i]! + d * noise![i]!);
  });
};

/** diffusers' get_timestep_embedding in fp64. */
export const timestepEmbedding: Reference = (o) => {
  const records = o.values(0);
  const record = o.call.inputs[0]!.shape[1]!;
  const { dim, flipSinToCos, freqShift } = o.call.attrs as { dim: number; flipSinToCos: boolean; freqShift: number };
  const half = dim >> 1;
  return elementwise(o.call, (i) => {
    const [image, place] = [Math.floor(i / dim), i % dim];
    if (place >= 2 * half) return 0;
    const angle = records[image * record]! * Math.exp((-Math.log(10000) * (place % half)) / (half - freqShift));
    return place < half === flipSinToCos ? Math.cos(angle) : Math.sin(angle);
  });
};
