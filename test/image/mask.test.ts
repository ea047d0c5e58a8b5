import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Mask, maskArea, maskBox, maskOfAlpha, maskOfPicture } from '../../src/ts/image/mask.js';
import { nearestKept } from '../../src/ts/image/nearest-kept.js';
import type { Picture } from '../../src/ts/image/picture.js';
import { atOnce } from '../../src/ts/util/sliced.js';

const picture = (channels: 3 | 4, ...pixels: number[][]): Picture => ({
  width: pixels.length,
  height: 1,
  channels,
  data: Uint8Array.from(pixels.flat()),
});
const drawn = (mask: Mask): number[] => [...mask.data];

describe('masks', () => {
  it('draw where alpha is 0, whatever the colours; half transparent is kept', () => {
    const p = picture(4, [255, 255, 255, 0], [0, 0, 0, 255], [0, 0, 0, 1], [9, 9, 9, 0]);
    expect(drawn(atOnce(maskOfPicture(p)))).toEqual([1, 0, 0, 1]);
    expect(drawn(atOnce(maskOfPicture(p, true)))).toEqual([0, 1, 1, 0]);
    expect(drawn(atOnce(maskOfAlpha(p)))).toEqual([1, 0, 0, 1]);
  });

  it('draw where they are black when nothing is transparent, also with an opaque alpha channel', () => {
    const colours = [
      [0, 0, 0],
      [255, 255, 255],
      [127, 127, 127],
      [128, 128, 128],
      [255, 0, 0],
      [0, 255, 0],
    ];
    expect(drawn(atOnce(maskOfPicture(picture(3, ...colours))))).toEqual([1, 0, 1, 0, 1, 0]);
    expect(drawn(atOnce(maskOfPicture(picture(4, ...colours.map((c) => [...c, 255])))))).toEqual([1, 0, 1, 0, 1, 0]);
    expect(drawn(atOnce(maskOfAlpha(picture(3, ...colours))))).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it('have a box and an area', () => {
    const data = Uint8Array.from([0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0]);
    expect(atOnce(maskBox({ width: 4, height: 3, data }))).toEqual({ left: 1, top: 1, right: 3, bottom: 3 });
    expect(atOnce(maskArea({ width: 4, height: 3, data }))).toBe(2);
    expect(atOnce(maskBox({ width: 2, height: 1, data: new Uint8Array(2) }))).toBeUndefined();
  });
});

describe('nearestKept', () => {
  const distance = (width: number, i: number, kept: number): number =>
    Math.hypot((i % width) - (kept % width), Math.floor(i / width) - Math.floor(kept / width));

  it('finds a kept pixel about as near as any', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 140 }),
        (width, bits) => {
          const height = Math.ceil(bits.length / width);
          const data = Uint8Array.from({ length: width * height }, (_, i) => (bits[i] === true ? 0 : 1));
          const kept = [...data.keys()].filter((i) => data[i] === 0);
          const nearest = atOnce(nearestKept({ width, height, data }));
          for (const [i, found] of nearest.entries()) {
            if (kept.length === 0) {
              expect(found).toBe(-1);
              continue;
            }
            expect(data[found]).toBe(0);
            const best = Math.min(...kept.map((k) => distance(width, i, k)));
            expect(distance(width, i, found)).toBeLessThanOrEqual(best + 0.5);
          }
        },
      ),
    );
  });

  it('is exact from a straight edge', () => {
    const data = Uint8Array.from({ length: 100 }, (_, i) => (i % 10 < 2 ? 0 : 1));
    const nearest = atOnce(nearestKept({ width: 10, height: 10, data }));
    expect([...nearest].every((k, i) => k === (i % 10 < 2 ? i : Math.floor(i / 10) * 10 + 1))).toBe(true);
  });
});
