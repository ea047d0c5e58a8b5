import { elementCount } from '../../graph/types.js';
import { addon } from '../../native/addon.js';
import type { Activation } from '../../ops/activations.js';
import { broadcastOf } from '../../ops/elementwise/add.js';
import { lastDim, positionsOf } from '../../ops/lowering.js';
import { elementwise, pick, type Reference } from './sample.js';

export const activation: Reference = ({ call, values }) => {
  const x = values(0);
  const indices = pick(elementCount(call.outputs[0]!.shape), 4096);
  const act = call.attrs.act as Exclude<Activation, 'none'>;
  return {
    indices,
    expected: addon()[act](Float64Array.from(indices, (i) => x[i]!)),
  };
};

export const clamp: Reference = (o) => {
  const x = o.values(0);
  const { min, max } = o.call.attrs as { min: number; max: number };
  return elementwise(o.call, (i) => Math.min(Math.max(x[i]!, min), max));
};

export const add: Reference = (o) => {
  const [a, b] = [o.values(0), o.values(1)];
  const { span, step } = broadcastOf(o.call.inputs[0]!, o.call.inputs[1]!)!;
  const scale = (o.call.attrs.scale as number | undefined) ?? 1;
  return elementwise(o.call, (i) => a[i]! + scale * b[Math.floor(i / span) * step + (i % step)]!);
};

export const scaleShift: Reference = (o) => {
  const x = o.call.inputs[0]!;
  const [xs, emb] = [o.values(0), o.values(1)];
  const [channels, image] = [lastDim(x), positionsOf(x) * lastDim(x)];
  return elementwise(o.call, (i) => {
    const at = Math.floor(i / image) * 2 * channels + (i % channels);
    return xs[i]! * (1 + emb[at]!) + emb[at + channels]!;
  });
};

export const affine: Reference = (o) => {
  const [x, scale, shift] = [o.values(0), o.values(1), o.values(2)];
  const channels = lastDim(o.call.inputs[0]!);
  return elementwise(o.call, (i) => x[i]! * scale[i % channels]! + shift[i % channels]!);
};
