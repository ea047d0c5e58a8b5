import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkParity } from '../../src/ts/parity/parity.js';
import { describeMatrix } from './support/adapter.js';

const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'unclip-t2i');

describeMatrix('parity with the reference', () => {
  test.each(['full', 'q8'] as const)('every network and run, weights %s', { timeout: 600_000 }, async (weights) => {
    const variants = weights === 'q8' ? 'q8-matrix' : 'matrix';
    const { rows } = await checkParity(FIXTURE, { dtype: 'f16', weights, variants });
    const failed = rows.filter((r) => !r.pass).map((r) => `${r.network} ${r.tensor}: ${r.relL2}, ${r.tolerance}`);
    expect(failed).toEqual([]);
    expect(rows.length).toBeGreaterThan(100);
  });
});
