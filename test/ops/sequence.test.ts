import { describe, expect, it, test } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import type { ActivationDType } from '../../src/ts/graph/types.js';
import { addon } from '../../src/ts/native/addon.js';
import { attention } from '../../src/ts/ops/attention/attention.js';
import { type AttentionCase, attentionReference } from '../support/attention.js';
import { DTYPES } from '../support/dtypes.js';
import { errors, randomArray, runOp, testRuntime } from '../support/op-harness.js';
import { randomStored } from '../support/rounding.js';
import { ramp } from '../support/shapes.js';
import { expectWithin } from '../support/within.js';

const words = (values: Float32Array): number[] => [...new Uint32Array(values.buffer, values.byteOffset, values.length)];

describe.each(DTYPES)('rows appended to a cache in %s', (dtype) => {
  it.each([
    [8, 1],
    [12, 3],
    [5, 2],
  ])('%i channels, %i rows at a time; what does not fit is dropped', async (channels, length) => {
    const [batch, capacity] = [4, 9];
    const cache = ramp(batch * capacity * channels, 1);
    const x = ramp(batch * length * channels, 700);
    const position = Uint32Array.from([0, 4, capacity - 1, 4_294_967_295]);
    const { states } = await runOp({
      dtype,
      inputs: { cache, x, position },
      states: ['cache'],
      build: (g) => {
        const own = g.input('cache', [batch, capacity, channels]);
        g.appendRows(own, g.input('x', [batch, length, channels]), g.input('position', [batch], 'u32'));
        return undefined;
      },
    });
    const expected = cache.slice();
    for (let i = 0; i < x.length; i++) {
      const row = Math.floor(i / channels);
      const image = Math.floor(row / length);
      const place = position[image]! + (row % length);
      if (place < capacity) expected[(image * capacity + place) * channels + (i % channels)] = x[i]!;
    }
    expect([...states.cache!]).toEqual([...expected]);
  });
});

describe.each(DTYPES)('embedding from a position on in %s', (dtype) => {
  it.each([12, 7])('%i channels', async (channels) => {
    const table = randomStored(6 * channels, 1, dtype);
    const positions = randomStored(9 * channels, 2, dtype);
    const ids = Uint32Array.from([0, 5, 1, 1, 2, 3, 4, 9]);
    const first = Uint32Array.from([0, 3, 8, 4_294_967_295]);
    const { output } = await runOp({
      dtype,
      inputs: { ids, first },
      weights: { table, positions },
      build: (g) =>
        g.embedding(
          g.input('ids', [4, 2], 'u32'),
          g.copyWeight([6, channels], 'table'),
          g.copyWeight([9, channels], 'positions'),
          'embedding',
          g.input('first', [4], 'u32'),
        ),
    });
    const reference = Float64Array.from(output, (_, i) => {
      const [token, c] = [Math.floor(i / channels), i % channels];
      const place = Math.min(first[token >> 1]! + (token & 1), 8);
      return table[Math.min(ids[token]!, 5) * channels + c]! + positions[place * channels + c]!;
    });
    expectWithin('embedding', dtype, output, reference);
  });
});

/** Keys and values of a cache: what lies behind the last query's is not to be read, so it is no number. */
const CACHES: Record<string, AttentionCase & { positions: readonly number[] }> = {
  'one query, other images at other places': {
    ...{ batch: 4, queries: 1, keys: 110, heads: 4, head: 32, mask: 77 },
    positions: [0, 31, 78, 109],
  },
  'several queries': { batch: 2, queries: 9, keys: 60, heads: 2, head: 32, mask: 11, positions: [3, 51] },
  'odd head size': { batch: 2, queries: 2, keys: 40, heads: 3, head: 7, positions: [0, 37] },
};

const { caps } = (await testRuntime()).device;

describe.each(attention.variants.map((v) => v.name).filter((v) => v !== 'matrix' && (caps.f16 || v !== 'f16')))(
  'attention over a cache, %s',
  (variant) => {
    const dtype: ActivationDType = variant === 'f16' ? 'f16' : 'f32';
    test.each(Object.entries(CACHES).filter(([, c]) => variant === 'portable' || c.head % 4 === 0))(
      '%s',
      async (_, c) => {
        const width = c.heads * c.head;
        const row = 2 * c.keys * width;
        const q = randomStored(c.batch * c.queries * width, 1, dtype);
        const kv = randomStored(c.batch * row, 2, dtype);
        const mask = c.mask && randomArray(c.batch * c.mask, 3).map((v, i) => (v > 0 && i % c.mask! > 0 ? -10000 : 0));
        const poisoned = kv.slice();
        c.positions.forEach((position, image) => {
          poisoned.fill(Number.NaN, image * row + (position + c.queries) * 2 * width, (image + 1) * row);
        });
        const { output, ran } = await runOp({
          dtype,
          variants: { attention: variant },
          inputs: { q, kv: poisoned, position: Uint32Array.from(c.positions), ...(mask && { mask }) },
          build: (g) =>
            g.attention(g.input('q', [c.batch, c.queries, width]), g.input('kv', [c.batch, c.keys, 2 * width]), {
              ...{ heads: c.heads, scale: 1 / Math.sqrt(c.head), causal: true },
              position: g.input('position', [c.batch], 'u32'),
              mask: mask ? g.input('mask', [c.batch, c.mask!], 'f32') : null,
            }),
        });
        expect(ran).toEqual([`attention:${variant}`]);
        const bound = attention.tolerance[dtype];
        c.positions.forEach((position, image) => {
          for (let query = 0; query < c.queries; query++) {
            const at = (image * c.queries + query) * width;
            const seen = position + query + 1;
            const one = { ...c, batch: 1, queries: 1, keys: seen, mask: c.mask && Math.min(c.mask, seen) };
            const wanted = attentionReference(one, {
              q: q.subarray(at, at + width),
              kv: kv.subarray(image * row, image * row + seen * 2 * width),
              context: undefined,
              mask: mask ? mask.subarray(image * c.mask!, image * c.mask! + one.mask!) : undefined,
            });
            const e = errors(output.subarray(at, at + width), wanted);
            expect(e.relL2, `image ${image}, query ${query}`).toBeLessThan(bound.relL2);
            expect(e.maxAbs).toBeLessThan(bound.maxAbs);
          }
        });
      },
    );
  },
);

describe.each(DTYPES)('a categorical draw in %s', (dtype) => {
  const [batch, steps, first] = [5, 3, 78];
  /** Guidance scale, temperature, top-k. */
  const settings = [
    [1, 1, 0, 0],
    [3, 0.7, 0, 0],
    [2, 1, 5, 0],
    [4, 0, 0, 0],
    [1.5, 50, 1, 0],
  ];

  it.each([
    [64, true],
    [64, false],
    [3, true],
    [1024, true],
    [333, false],
  ])('of %i categories, guided: %s', async (categories, guided) => {
    const rows = guided ? 2 * batch : batch;
    const logits = randomStored(rows * categories, categories, dtype);
    const noise = randomArray(batch * steps * categories, 7);
    // The last image has its codes already.
    const at = [0, 1, 2, 0, steps];
    const position = Uint32Array.from({ length: rows }, (_, r) => first + at[r % batch]!);
    const codes = new Uint32Array(batch * steps).fill(7777);
    const tokens = new Uint32Array(rows).fill(8888);
    const { states } = await runOp({
      dtype,
      inputs: { logits, noise, settings: Float32Array.from(settings.flat()), position, codes, tokens },
      states: ['codes', 'tokens', 'position'],
      build: (g) => {
        g.sampleCategorical(g.input('logits', [rows, categories]), {
          noise: g.input('noise', [batch, steps, categories], 'f32'),
          settings: g.input('settings', [batch, 4], 'f32'),
          position: g.input('position', [rows], 'u32'),
          codes: g.input('codes', [batch, steps], 'u32'),
          tokens: g.input('tokens', [rows, 1], 'u32'),
          first,
        });
        return undefined;
      },
    });
    const rowOf = (image: number) => (image * steps + Math.min(at[image]!, steps - 1)) * categories;
    const drawn = addon().sampleCategorical(
      logits.slice(guided ? batch * categories : 0),
      guided ? logits.slice(0, batch * categories) : null,
      Float32Array.from(at.flatMap((_, image) => [...noise.subarray(rowOf(image), rowOf(image) + categories)])),
      Float32Array.from(settings.flat()),
      { batch, categories },
    );
    for (let image = 0; image < batch - 1; image++) codes[image * steps + at[image]!] = drawn[image]!;
    expect(words(states.codes!)).toEqual([...codes]);
    const finished = (r: number) => r % batch === batch - 1;
    expect(words(states.tokens!)).toEqual(Array.from(tokens, (t, r) => (finished(r) ? t : drawn[r % batch]!)));
    expect(words(states.position!)).toEqual(Array.from(position, (p, r) => (finished(r) ? p : p + 1)));
  });

  it('follows the distribution of its logits', async () => {
    const [images, categories] = [4096, 4];
    const shares = [0.5, 0.3, 0.15, 0.05];
    const uniform = randomArray(images * categories, 5).map((v) => v / Math.sqrt(12) + 0.5);
    const { states } = await runOp({
      dtype,
      inputs: {
        logits: Float32Array.from({ length: images * categories }, (_, i) => Math.log(shares[i % categories]!)),
        noise: uniform.map((u) => -Math.log(-Math.log(Math.min(Math.max(u, 1e-7), 1 - 1e-7)))),
        settings: Float32Array.from({ length: images * 4 }, (_, i) => (i % 4 < 2 ? 1 : 0)),
        position: new Uint32Array(images),
      },
      states: ['codes'],
      build: (g) => {
        g.sampleCategorical(g.input('logits', [images, categories]), {
          noise: g.input('noise', [images, 1, categories], 'f32'),
          settings: g.input('settings', [images, 4], 'f32'),
          position: g.input('position', [images], 'u32'),
          codes: g.state('codes', [images, 1], 'u32'),
          tokens: g.state('tokens', [images, 1], 'u32'),
          first: 0,
        });
        return undefined;
      },
    });
    const drawn = words(states.codes!);
    // Four standard deviations of a share.
    shares.forEach((share, code) => {
      const found = drawn.filter((c) => c === code).length / images;
      expect(Math.abs(found - share), `code ${code}`).toBeLessThan(4 * Math.sqrt((share * (1 - share)) / images));
    });
  });
});

describe('operands that do not fit', () => {
  const g = new GraphBuilder('test', { dtype: 'f32' });
  const cache = g.state('cache', [2, 9, 8]);
  const [x, position] = [g.input('x', [2, 1, 8]), g.input('position', [2], 'u32')];
  const ids = g.input('ids', [2, 3], 'u32');
  const table = g.copyWeight([4, 8], 'table');
  const noise = g.input('noise', [2, 3, 16], 'f32');
  const settings = g.input('settings', [2, 4], 'f32');
  const [codes, tokens] = [g.state('codes', [2, 3], 'u32'), g.state('tokens', [2, 1], 'u32')];
  const drawn = { noise, settings, position, codes, tokens, first: 0 };

  it.each([
    ['appendRows', () => g.appendRows(cache, g.input('wide', [2, 1, 12]), position)],
    ['appendRows', () => g.appendRows(cache, g.input('long', [2, 10, 8]), position)],
    ['appendRows', () => g.appendRows(g.clamp(cache, 0, 1), x, position)],
    ['appendRows', () => g.appendRows(cache, x, g.input('one', [1], 'u32'))],
    ['embedding', () => g.embedding(ids, table, null, 'embedding', position)],
    ['embedding', () => g.embedding(ids, table, g.copyWeight([4, 8], 'at'), 'embedding', g.input('f', [2], 'f32'))],
    ['attention', () => g.attention(x, g.input('kv', [2, 5, 16]), { heads: 2, scale: 1, position })],
    ['sampleCategorical', () => g.sampleCategorical(g.input('l', [3, 16]), drawn)],
    ['sampleCategorical', () => g.sampleCategorical(g.input('m', [2, 12]), drawn)],
    ['sampleCategorical', () => g.sampleCategorical(g.input('n', [4, 16]), drawn)],
    [
      'sampleCategorical',
      () => g.sampleCategorical(g.input('o', [2, 4096]), { ...drawn, noise: g.input('p', [2, 1, 4096], 'f32') }),
    ],
  ])('%s refuses them', (op, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID', message: expect.stringContaining(op) }));
  });
});
