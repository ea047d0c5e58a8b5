/**
 * A dense tensor with its dimensions in another order.
 * @param {Float32Array} values @param {readonly number[]} shape of `values`
 * @param {readonly number[]} order dimension i of the result is dimension order[i] of `values`
 * @returns {Float32Array}
 */
export function transposed(values, shape, order) {
  const strides = shape.map((_, i) => shape.slice(i + 1).reduce((a, b) => a * b, 1));
  const result = new Float32Array(values.length);
  let at = 0;
  /** @param {number} depth @param {number} offset */
  const walk = (depth, offset) => {
    const size = shape[order[depth]];
    const step = strides[order[depth]];
    if (depth === order.length - 1) for (let i = 0; i < size; i++) result[at++] = values[offset + i * step];
    else for (let i = 0; i < size; i++) walk(depth + 1, offset + i * step);
  };
  if (values.length > 0) walk(0, 0);
  return result;
}

/** [B, H, W, C] → [B, C, H, W]. @param {Float32Array} values @param {readonly number[]} shape */
export const channelsFirst = (values, shape) => transposed(values, shape, [0, 3, 1, 2]);

/** [B, C, H, W] → [B, H, W, C], `shape` being that of the result. @param {Float32Array} values @param {readonly number[]} shape */
export const channelsLast = (values, [b, h, w, c]) => transposed(values, [b, c, h, w], [0, 2, 3, 1]);
