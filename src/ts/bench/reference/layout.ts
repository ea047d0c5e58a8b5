import { elementCount } from '../../graph/types.js';
import { lastDim } from '../../ops/lowering.js';
import { elementwise, pick, type Reference } from './sample.js';

export const concat: Reference = (o) => {
  const axis = o.call.attrs.axis as number;
  const shape = o.call.outputs[0]!.shape;
  const inner = elementCount(shape.slice(axis + 1));
  const parts = o.call.inputs.map((t, i) => ({ shape: t!.shape, values: o.values(i) }));
  return elementwise(o.call, (i) => {
    let place = Math.floor(i / inner) % shape[axis]!;
    const outer = Math.floor(i / inner / shape[axis]!);
    const part = parts.find((p) => {
      const inside = place < p.shape[axis]!;
      if (!inside) place -= p.shape[axis]!;
      return inside;
    })!;
    // A part of one image serves all of them.
    const rows = elementCount(part.shape.slice(0, axis));
    return part.values[((outer % rows) * part.shape[axis]! + place) * inner + (i % inner)]!;
  });
};

export const slice: Reference = (o) => {
  const x = o.values(0);
  const { axis, start } = o.call.attrs as { axis: number; start: number };
  const from = o.call.inputs[0]!.shape;
  const to = o.call.outputs[0]!.shape;
  const inner = elementCount(from.slice(axis + 1));
  return elementwise(o.call, (i) => {
    const outer = Math.floor(i / inner / to[axis]!);
    const place = (Math.floor(i / inner) % to[axis]!) + start;
    return x[(outer * from[axis]! + place) * inner + (i % inner)]!;
  });
};

export const transpose: Reference = (o) => {
  const x = o.values(0);
  const [, rows, columns] = o.call.inputs[0]!.shape as [number, number, number];
  return elementwise(o.call, (i) => {
    const image = Math.floor(i / (rows * columns));
    return x[(image * rows + (i % rows)) * columns + (Math.floor(i / rows) % columns)]!;
  });
};

export const gatherRows: Reference = (o) => {
  const [x, index] = [o.values(0), o.values(1)];
  const [, length, channels] = o.call.inputs[0]!.shape as [number, number, number];
  return elementwise(o.call, (i) => {
    const image = Math.floor(i / channels);
    return x[(image * length + Math.min(index[image]!, length - 1)) * channels + (i % channels)]!;
  });
};

/** The rows that are written, the only ones that a run sets. */
export const appendRows: Reference = (o) => {
  const [x, position] = [o.values(1), o.values(2)];
  const [, length, channels] = o.call.inputs[1]!.shape as [number, number, number];
  const capacity = o.call.inputs[0]!.shape[1]!;
  const written = pick(x.length, 4096).filter((i) => placeOf(i) < capacity);
  function placeOf(i: number): number {
    return position[Math.floor(i / channels / length)]! + (Math.floor(i / channels) % length);
  }
  const indices = written.map((i) => {
    const image = Math.floor(i / channels / length);
    return (image * capacity + placeOf(i)) * channels + (i % channels);
  });
  return { indices, expected: Float64Array.from(written, (i) => x[i]!) };
};

export const embedding: Reference = (o) => {
  const [ids, table] = [o.values(0), o.values(1)];
  const positions = o.call.inputs[2] == null ? undefined : o.values(2);
  const first = o.call.inputs[3] == null ? undefined : o.values(3);
  const lastPosition = (o.call.inputs[2]?.shape[0] ?? 1) - 1;
  const [rows, channels] = o.call.inputs[1]!.shape as [number, number];
  const length = o.call.inputs[0]!.shape[1]!;
  return elementwise(o.call, (i) => {
    const [token, c] = [Math.floor(i / channels), i % channels];
    const value = table[Math.min(ids[token]!, rows - 1) * channels + c]!;
    const position = (first?.[Math.floor(token / length)] ?? 0) + (token % length);
    return value + (positions?.[Math.min(position, lastPosition) * channels + c] ?? 0);
  });
};

export const repeatBatch: Reference = (o) => {
  const x = o.values(0);
  const count = elementCount(o.call.inputs[0]!.shape);
  return elementwise(o.call, (i) => x[i % count]!);
};

/** In f32, as the result is defined by it; what is read back of a word are the 24 bits that an f32 holds. */
export const argmax: Reference = (o) => {
  const x = o.values(0);
  const columns = lastDim(o.call.inputs[0]!);
  return elementwise(o.call, (row) => {
    let best = 0;
    for (let c = 1; c < columns; c++) if (x[row * columns + c]! > x[row * columns + best]!) best = c;
    return best;
  });
};

export const toRgba8: Reference = (o) => {
  const x = o.values(0);
  const { fround } = Math;
  const level = (v: number): number => {
    const scaled = fround(255 * Math.min(Math.max(fround(fround(v * 0.5) + 0.5), 0), 1));
    const floor = Math.floor(scaled);
    return scaled - floor === 0.5 ? floor + (floor & 1) : Math.round(scaled);
  };
  const channels = lastDim(o.call.inputs[0]!);
  return elementwise(o.call, (i) => {
    const [r, g, b] = [0, 1, 2].map((c) => level(x[i * channels + c]!)) as [number, number, number];
    return fround(r + 2 ** 8 * g + 2 ** 16 * b + 2 ** 24 * 255);
  });
};
