import { describe, expect, it } from 'vitest';
import { atOnce, inSlices, type Sliced } from '../../src/ts/util/sliced.js';

/** Counts, and spends some time on each number. */
function* count(to: number, msEach: number): Sliced<number> {
  for (let i = 0; i < to; i++) {
    const until = performance.now() + msEach;
    while (performance.now() < until);
    yield;
  }
  return to;
}

describe('sliced work', () => {
  it('gives the same result at once and in slices', async () => {
    expect(atOnce(count(5, 0))).toBe(5);
    expect(await inSlices(count(5, 0))).toBe(5);
  });

  it('lets the event loop turn between slices', async () => {
    let turns = 0;
    const tick = setInterval(() => turns++, 0);
    expect(await inSlices(count(60, 2))).toBe(60);
    clearInterval(tick);
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('throws what the work throws', async () => {
    function* fails(): Sliced<never> {
      yield;
      throw new Error('out of colours');
    }
    expect(() => atOnce(fails())).toThrow('out of colours');
    await expect(inSlices(fails())).rejects.toThrow('out of colours');
  });
});
