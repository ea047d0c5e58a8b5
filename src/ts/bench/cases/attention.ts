import type { GraphBuilder, T } from '../../graph/builder.js';
import { type BenchCase, casesOf, input } from './case.js';

interface Attention {
  readonly queries: number;
  readonly keys?: number;
  readonly heads: number;
  readonly head: number;
  /** Added keys and values, as diffusers' added_kv_proj makes them. */
  readonly context?: number;
  readonly causal?: boolean;
  readonly masked?: boolean;
  /** Keys are a cache, as of a transformer that goes on one token at a time. */
  readonly cache?: boolean;
}

const emit =
  ({ queries, keys = queries, heads, head, context, causal, masked, cache }: Attention) =>
  (g: GraphBuilder): T => {
    const width = heads * head;
    return g.attention(input(g, [1, queries, width], 'q'), input(g, [1, keys, 2 * width], 'kv'), {
      heads,
      scale: 1 / Math.sqrt(head),
      causal,
      context: context === undefined ? null : input(g, [1, context, 2 * width], 'context'),
      position: cache ? g.input('position', [1], 'u32') : null,
      mask: masked ? g.input('mask', [1, (context ?? 0) + (causal ? keys : 0) || keys], 'f32') : null,
    });
  };

const nameOf = (o: Attention): string => {
  const { queries, keys = queries, heads, head, context, causal, masked, cache } = o;
  const kind =
    context !== undefined ? 'context' : cache ? 'cache' : causal ? 'causal' : keys === queries ? 'self' : 'cross';
  const sizes = `q${queries}-k${keys}${context === undefined ? '' : `+${context}`}-h${heads}-d${head}`;
  return `${kind}/${sizes}${masked ? '-masked' : ''}`;
};

const named = (list: readonly Attention[]) => Object.fromEntries(list.map((o) => [nameOf(o), emit(o)]));

/** `kind/q(ueries)-k(eys)+context-h(eads)-d(head size)`. */
export const attentions: readonly BenchCase[] = casesOf(
  'attention',
  named([
    { queries: 256, heads: 2, head: 32 },
    { queries: 256, heads: 2, head: 64 },
    { queries: 256, heads: 1, head: 80 },
    { queries: 256, heads: 1, head: 128 },
    { queries: 64, heads: 4, head: 40 },
    { queries: 256, keys: 77, heads: 2, head: 64 },
    { queries: 256, heads: 3, head: 32, context: 87, masked: true },
    { queries: 77, heads: 4, head: 32, causal: true },
    { queries: 81, heads: 4, head: 32, causal: true, masked: true },
    { queries: 512, heads: 4, head: 64 },
    { queries: 1, keys: 110, heads: 4, head: 32, causal: true, cache: true },
  ]),
  named([
    { queries: 1024, heads: 8, head: 64 },
    { queries: 4096, heads: 8, head: 40 },
    { queries: 4096, heads: 8, head: 64 },
    { queries: 4096, heads: 8, head: 128 },
    { queries: 4096, keys: 77, heads: 8, head: 64 },
    { queries: 1024, heads: 10, head: 64, context: 81, masked: true },
    { queries: 256, heads: 15, head: 64, context: 81, masked: true },
    { queries: 81, heads: 32, head: 64, causal: true, masked: true },
    { queries: 8192, heads: 16, head: 128 },
    { queries: 1, keys: 512, heads: 32, head: 64, causal: true, cache: true },
  ]),
);
