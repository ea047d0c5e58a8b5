import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepKnownRecord, repaintWalk, straightWalk } from '../../src/ts/diffusion/repaint.js';

describe('repaintWalk', () => {
  it('runs every step once without resampling', () => {
    expect(repaintWalk(5, { resample: 1, jump: 3 })).toEqual(straightWalk(5));
    expect(straightWalk(2)).toEqual([
      { step: 0, level: 1 },
      { step: 1, level: 2 },
    ]);
  });

  it('repeats stretches counted from the clean end, but for the noisiest', () => {
    const walk = repaintWalk(5, { resample: 2, jump: 2 });
    expect(walk.map(({ step }) => step)).toEqual([0, 1, 2, 1, 2, 3, 4, 3, 4]);
    expect(walk.map(({ level }) => level)).toEqual([1, 2, 1, 2, 3, 4, 3, 4, 5]);
  });

  it('goes on where it was left, ends clean, and runs each stretch as often as asked', () => {
    const whole = (max: number) => fc.integer({ min: 1, max });
    fc.assert(
      fc.property(whole(40), whole(6), whole(45), (steps, resample, jump) => {
        const walk = repaintWalk(steps, { resample, jump });
        walk.forEach(({ step }, i) => {
          expect(step).toBe(i === 0 ? 0 : walk[i - 1]!.level);
        });
        expect(walk.at(-1)!.level).toBe(steps);
        const first = Math.min(steps, steps % jump === 0 ? jump : steps % jump);
        expect(walk).toHaveLength(first + resample * (steps - first));
      }),
    );
  });

  it.each([
    [{ resample: 0, jump: 1 }, 'resample is 0'],
    [{ resample: 1.5, jump: 1 }, 'resample is 1.5'],
    [{ resample: 101, jump: 1 }, 'resample is 101'],
    [{ resample: 2, jump: 0 }, 'jump is 0'],
  ])('refuses %j', (resampling, message) => {
    expect(() => repaintWalk(10, resampling)).toThrow(message);
  });
});

describe('keepKnownRecord', () => {
  it('noises what is known to the level, and the sample from where it is: the variances add up', () => {
    const [a, b, c, d] = keepKnownRecord(0.8, 0.2);
    expect(a ** 2 + b ** 2).toBeCloseTo(1, 12);
    expect(a ** 2).toBeCloseTo(0.2, 12);
    // A sample √0.8·x₀ + √0.2·ε, noised by (c, d), is √0.2·x₀ + noise of variance 0.8.
    expect(c * Math.sqrt(0.8)).toBeCloseTo(Math.sqrt(0.2), 12);
    expect(c ** 2 * 0.2 + d ** 2).toBeCloseTo(0.8, 12);
  });

  it('leaves the sample as it is where it does not go back, and the picture clean at the last level', () => {
    expect(keepKnownRecord(0.3, 0.3).slice(2)).toEqual([1, 0]);
    expect(keepKnownRecord(1, 1)).toEqual([1, 0, 1, 0]);
  });
});
