import { describe, expect, it } from 'vitest';
import type { Picture } from '../../src/ts/image/picture.js';
import { pullPush } from '../../src/ts/image/pull-push.js';
import { levelColours } from '../../src/ts/pipelines/edit/level-colours.js';
import { atOnce } from '../../src/ts/util/sliced.js';

const SIZE = 64;
const inside = (i: number): boolean => i % SIZE >= 16 && i % SIZE < 48 && i >= 16 * SIZE && i < 48 * SIZE;
const positions = Array.from({ length: SIZE * SIZE }, (_, i) => i);

/** A picture whose pixels are grey. */
const grey = (value: (i: number) => number): Picture => ({
  width: SIZE,
  height: SIZE,
  channels: 3,
  data: Uint8Array.from({ length: SIZE * SIZE * 3 }, (_, k) => value(Math.floor(k / 3))),
});

/** A grey place of which the middle is to be drawn. */
const place = (value: number) => ({
  pixels: new Float32Array(SIZE * SIZE * 3).fill(value / 127.5 - 1),
  weights: Float32Array.from(positions, (i) => (inside(i) ? 0 : 1)),
});

describe('pullPush', () => {
  it('keeps what is known and fills the rest smoothly between it', () => {
    for (const size of [1, 5, 16, 21]) {
      const field = new Float32Array(size * size * 4);
      // The left column is known as 1, the right one as 3.
      for (let y = 0; y < size; y++)
        for (const [x, value] of [
          [0, 1],
          [size - 1, 3],
        ] as const)
          field.set([value, value, value, 1], 4 * (y * size + x));
      atOnce(pullPush(field, size));
      const row = Array.from({ length: size }, (_, x) => field[4 * ((size >> 1) * size + x)]!);
      expect(row.at(-1)).toBe(3);
      if (size > 1) expect(row[0]).toBe(1);
      expect(row.every((v, x) => v >= 1 - 1e-6 && v <= 3 + 1e-6 && (x < 2 || v >= row[x - 1]! - 0.3))).toBe(true);
      expect(positions.slice(0, size * size).every((i) => Math.abs(field[4 * i + 3]! - 1) < 1e-5)).toBe(true);
    }
  });

  it('leaves a field of which nothing is known at 0', () => {
    const field = new Float32Array(9 * 9 * 4);
    atOnce(pullPush(field, 9));
    expect(field.every((v) => v === 0)).toBe(true);
  });
});

describe('levelColours', () => {
  it('takes a difference of tone away, all over what was drawn, and leaves what is kept', () => {
    const drawn = grey((i) => (inside(i) ? 110 : 77));
    const { data } = atOnce(levelColours(drawn, place(120)));
    for (const i of positions)
      expect(Math.abs(data[3 * i]! - (inside(i) ? 120 : 77))).toBeLessThanOrEqual(inside(i) ? 1 : 0);
  });

  it('takes no other thing that meets the edge for a difference of tone', () => {
    const drawn = grey((i) => (inside(i) ? 200 : 120));
    expect(atOnce(levelColours(drawn, place(120))).data).toEqual(drawn.data);
    // A thing in the middle of a wall that is 8 too dark: the wall is levelled, the thing keeps its contrast.
    const thing = (i: number) => i % SIZE >= 26 && i % SIZE < 38 && i >= 26 * SIZE && i < 38 * SIZE;
    const { data } = atOnce(
      levelColours(
        grey((i) => (thing(i) ? 30 : inside(i) ? 112 : 120)),
        place(120),
      ),
    );
    expect(Math.abs(data[3 * (20 * SIZE + 20)]! - 120)).toBeLessThanOrEqual(1);
    expect(Math.abs(data[3 * (32 * SIZE + 32)]! - 38)).toBeLessThanOrEqual(2);
  });
});
