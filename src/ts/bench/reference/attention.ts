import { addon } from '../../native/addon.js';
import { attentionOf } from '../../ops/attention/attention-call.js';
import { pick, type Reference } from './sample.js';

/** Pairs of image and head, and queries of each, that are checked. */
const MOST = { heads: 4, queries: 24 };

/**
 * Head by head and query by query: each sees the context's keys first, then its own, up to itself where the order is causal; a
 * cache's queries begin at its position.
 */
export const attention: Reference = ({ call, values }) => {
  const { batch, queries, keys, contextKeys, maskKeys, heads, headSize, scale, causal, position } = attentionOf(call);
  const width = heads * headSize;
  const [q, kv] = [values(0), values(1)];
  const context = contextKeys === 0 ? undefined : values(2);
  const mask = maskKeys === 0 ? undefined : values(3);
  const positions = position === null ? undefined : values(4);
  const all = contextKeys + keys;
  const indices: number[] = [];
  const expected: number[] = [];
  for (const pair of pick(batch * heads, MOST.heads)) {
    const [image, head] = [Math.floor(pair / heads), pair % heads];
    const k = new Float32Array(all * headSize);
    const v = new Float32Array(all * headSize);
    for (let i = 0; i < all; i++) {
      const own = i >= contextKeys;
      const source = own ? kv : context!;
      const row = own ? image * keys + i - contextKeys : image * contextKeys + i;
      for (let d = 0; d < headSize; d++) {
        k[i * headSize + d] = source[row * 2 * width + head * headSize + d]!;
        v[i * headSize + d] = source[row * 2 * width + width + head * headSize + d]!;
      }
    }
    const added = new Float32Array(all);
    for (let i = 0; i < maskKeys; i++) added[i] = mask![image * maskKeys + i]!;
    for (const query of pick(queries, MOST.queries)) {
      const seen = causal ? contextKeys + Math.min(keys, (positions?.[image] ?? 0) + query + 1) : all;
      const at = (image * queries + query) * width + head * headSize;
      const sizes = { batch: 1, queries: 1, keys: seen, heads: 1, headDim: headSize, scale, causal: false };
      const row = addon().attention(
        q.slice(at, at + headSize) as Float32Array,
        k.subarray(0, seen * headSize),
        v.subarray(0, seen * headSize),
        added.subarray(0, seen),
        sizes,
      );
      row.forEach((value, d) => {
        indices.push(at + d);
        expected.push(value);
      });
    }
  }
  return { indices, expected: Float64Array.from(expected) };
};
