import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALIGNMENT, align, type Interval, planMemory } from '../../src/ts/graph/plan.js';

const intervals = fc
  .array(fc.record({ bytes: fc.integer({ min: 1, max: 1 << 20 }), first: fc.nat(60), length: fc.nat(12) }), {
    minLength: 1,
    maxLength: 60,
  })
  .map((list): Interval[] => list.map(({ bytes, first, length }, id) => ({ id, bytes, first, last: first + length })));

describe('planMemory', () => {
  it('never lets two tensors overlap that live at the same step', () => {
    fc.assert(
      fc.property(intervals, (list) => {
        const plan = planMemory(list);
        for (const a of list) {
          const begin = plan.offsets.get(a.id)!;
          expect(begin % ALIGNMENT).toBe(0);
          expect(begin + a.bytes).toBeLessThanOrEqual(plan.arenaBytes);
          for (const b of list) {
            if (b.id <= a.id || a.last < b.first || b.last < a.first) continue;
            const other = plan.offsets.get(b.id)!;
            expect(begin + align(a.bytes) <= other || other + align(b.bytes) <= begin).toBe(true);
          }
        }
      }),
    );
  });

  it('states the lower bound as the most bytes alive at any step', () => {
    fc.assert(
      fc.property(intervals, (list) => {
        const plan = planMemory(list);
        let peak = 0;
        for (let step = 0; step <= 72; step++) {
          const live = list.filter((i) => i.first <= step && step <= i.last);
          peak = Math.max(
            peak,
            live.reduce((sum, i) => sum + align(i.bytes), 0),
          );
        }
        expect(plan.lowerBoundBytes).toBe(peak);
        expect(plan.arenaBytes).toBeGreaterThanOrEqual(peak);
      }),
    );
  });

  it('reuses the bytes of tensors that are done', () => {
    const chain = Array.from({ length: 10 }, (_, id) => ({ id, bytes: 1024, first: id, last: id + 1 }));
    expect(planMemory(chain).arenaBytes).toBe(2048);
  });

  it('gives the same plan every time', () => {
    const list = fc.sample(intervals, { numRuns: 1, seed: 7 })[0]!;
    expect([...planMemory(list).offsets]).toEqual([...planMemory(list).offsets]);
  });

  it('plans nothing for nothing', () => {
    expect(planMemory([])).toMatchObject({ arenaBytes: 0, lowerBoundBytes: 0 });
  });
});
