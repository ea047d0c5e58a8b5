import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { DTYPES } from '../support/dtypes.js';
import { runOp } from '../support/op-harness.js';
import { randomStored } from '../support/rounding.js';
import { ramp } from '../support/shapes.js';
import { expectWithin } from '../support/within.js';

describe.each(DTYPES)('lookups in %s', (dtype) => {
  it.each([16, 12, 5])(
    'gathers a row of %i channels per image; an index too large reads the last',
    async (channels) => {
      const x = ramp(3 * 6 * channels);
      const index = Uint32Array.from([4, 0, 4_000_000_000]);
      const { output } = await runOp({
        dtype,
        inputs: { x, index },
        build: (g) => g.gatherRows(g.input('x', [3, 6, channels]), g.input('index', [3], 'u32')),
      });
      const rows = [4, 0, 5].map((row, image) => (image * 6 + row) * channels);
      expect([...output]).toEqual(rows.flatMap((at) => [...x.subarray(at, at + channels)]));
    },
  );

  it.each([
    [12, true],
    [12, false],
    [7, true],
  ])('embeds ids in %i channels, positions: %s', async (channels, positioned) => {
    const table = randomStored(10 * channels, 3, dtype);
    const positions = randomStored(5 * channels, 4, dtype);
    const ids = Uint32Array.from([0, 9, 3, 3, 7, 10, 4_000_000_000, 1]);
    const { output } = await runOp({
      dtype,
      inputs: { ids },
      weights: { table, positions },
      build: (g) =>
        g.embedding(
          g.input('ids', [2, 4], 'u32'),
          g.copyWeight([10, channels], 'table'),
          positioned ? g.copyWeight([5, channels], 'positions') : null,
        ),
    });
    const reference = Float64Array.from(output, (_v, i) => {
      const [token, c] = [Math.floor(i / channels), i % channels];
      const value = table[Math.min(ids[token]!, 9) * channels + c]!;
      return positioned ? value + positions[(token % 4) * channels + c]! : value;
    });
    expectWithin('embedding', dtype, output, reference);
  });
});

describe('operands that do not fit', () => {
  const g = new GraphBuilder('test', { dtype: 'f32' });
  const x = g.input('x', [2, 3, 8]);
  const ids = g.input('ids', [2, 3], 'u32');

  it.each([
    ['gatherRows', () => g.gatherRows(x, ids)],
    ['embedding', () => g.embedding(x, g.copyWeight([4, 8], 'table'), null)],
    ['embedding', () => g.embedding(ids, g.copyWeight([4, 8], 'table'), g.copyWeight([2, 8], 'positions'))],
    ['embedding', () => g.embedding(ids, x, null)],
  ])('%s refuses them', (op, build) => {
    expect(build).toThrow(expect.objectContaining({ code: 'GRAPH_INVALID', message: expect.stringContaining(op) }));
  });
});
