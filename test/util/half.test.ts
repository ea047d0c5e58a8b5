import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromHalfArray, fromHalfBits, halfBits, toHalfArray } from '../../src/ts/util/half.js';

describe('half precision', () => {
  it('takes every finite half to a number and back', () => {
    const wrong: number[] = [];
    for (let bits = 0; bits < 0x10000; bits++) {
      const value = fromHalfBits(bits);
      const back = halfBits(value);
      if (Number.isNaN(value) ? !Number.isNaN(fromHalfBits(back)) : back !== bits) wrong.push(bits);
    }
    expect(wrong).toEqual([]);
  });

  it('rounds to the nearest half, ties to even', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, min: -65504, max: 65504 }), (value) => {
        const rounded = fromHalfBits(halfBits(value));
        const bits = halfBits(value) & 0x7fff;
        for (const neighbour of [bits - 1, bits + 1]) {
          if (neighbour < 0 || neighbour > 0x7bff) continue;
          const distance = Math.abs(fromHalfBits(neighbour) - Math.abs(value));
          expect(Math.abs(rounded - value)).toBeLessThanOrEqual(distance);
          if (Math.abs(rounded - value) === distance) expect(bits % 2).toBe(0);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('overflows to infinity and keeps signs', () => {
    expect(fromHalfBits(halfBits(65520))).toBe(Number.POSITIVE_INFINITY);
    expect(fromHalfBits(halfBits(65519))).toBe(65504);
    expect(fromHalfBits(halfBits(-1e9))).toBe(Number.NEGATIVE_INFINITY);
    expect(Object.is(fromHalfBits(halfBits(-0)), -0)).toBe(true);
  });

  it('converts arrays', () => {
    const values = [0, 1, -2.5, 2 ** -24, 65504];
    expect([...fromHalfArray(toHalfArray(values))]).toEqual(values);
  });
});
