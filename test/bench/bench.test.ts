import { describe, expect, it } from 'vitest';
import { shrink } from '../../bench/eval/pixels.mjs';
import { confusions, shares } from '../../bench/eval/score.mjs';
import { wilson } from '../../bench/eval/statistics.mjs';
import { growth } from '../../src/ts/bench/e2e/memory.js';
import { median, slope } from '../../src/ts/bench/statistics.js';

describe('statistics of the benchmarks', () => {
  it('gives the median, the slope and Wilson’s interval', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(slope([1, 3, 5, 7])).toBeCloseTo(2, 12);
    // Newcombe, Statistics in Medicine 17 (1998), table I: 81 of 263.
    const { low, high } = wilson(81, 263);
    expect(low).toBeCloseTo(0.2553, 4);
    expect(high).toBeCloseTo(0.3662, 4);
    expect(wilson(0, 20).low).toBe(0);
    expect(wilson(20, 20).high).toBe(1);
  });

  it('takes memory that fills caches and then stays for constant, and a leak for a leak', () => {
    const mib = 2 ** 20;
    const settled = Array.from({ length: 20 }, (_, i) => 300 * mib + Math.min(i, 4) * 20 * mib);
    const leaking = Array.from({ length: 20 }, (_, i) => 300 * mib + i * 3 * mib);
    expect(growth(settled).constant).toBe(true);
    expect(growth(leaking).constant).toBe(false);
    expect(growth(leaking).slopeBytes).toBeCloseTo(3 * mib, 3);
    expect(growth(settled.slice(0, 4)).constant).toBeUndefined();
  });
});

describe('evaluation of the model', () => {
  const wanted = { prompt: '', thing: 'ball', colour: 'red', place: 'grass' };
  const seen = { thing: 'ball', colour: 'red', place: 'grass' };

  it('counts attributes and names confusions, most frequent first', () => {
    const judged = [
      { wanted, seen },
      { wanted, seen: { ...seen, thing: 'cube' } },
      { wanted, seen: { ...seen, thing: 'star', colour: 'pink' } },
      { wanted, seen: { ...seen, thing: 'star' } },
    ];
    const { thing, colour, all } = shares(judged);
    expect([thing.right, colour.right, all.right, all.of]).toEqual([1, 3, 1, 4]);
    expect(confusions(judged, 'thing')).toEqual([
      { wanted: 'ball', seen: 'star', count: 2 },
      { wanted: 'ball', seen: 'cube', count: 1 },
    ]);
  });

  it('shrinks pictures by whole blocks and drops alpha', () => {
    const data = Uint8Array.from([0, 10, 20, 255, 4, 10, 20, 255, 8, 10, 20, 255, 13, 10, 20, 255]);
    expect([...shrink({ width: 2, height: 2, channels: 4, data }, 1).data]).toEqual([6, 10, 20]);
    expect(() => shrink({ width: 2, height: 2, channels: 4, data }, 3)).toThrow('whole blocks');
  });
});
