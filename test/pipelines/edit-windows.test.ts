import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Mask } from '../../src/ts/image/mask.js';
import { maskBox } from '../../src/ts/image/mask.js';
import type { Picture } from '../../src/ts/image/picture.js';
import { growMask, growPicture } from '../../src/ts/pipelines/edit/canvas.js';
import { feathered, pasteWindow } from '../../src/ts/pipelines/edit/composite.js';
import { cutWindow, keptCells, knownPicture } from '../../src/ts/pipelines/edit/known-picture.js';
import { markDrawn, nextWindow } from '../../src/ts/pipelines/edit/tile-order.js';
import { describePlacement, placeWindows } from '../../src/ts/pipelines/edit/windows.js';
import { atOnce } from '../../src/ts/util/sliced.js';

const box = (left: number, top: number, right: number, bottom: number) => ({ left, top, right, bottom });

const areaOf = (b: ReturnType<typeof box>): number => (b.right - b.left) * (b.bottom - b.top);

/** A mask that draws a box. */
function boxMask(width: number, height: number, b: ReturnType<typeof box>): Mask {
  const inside = (x: number, y: number) => x >= b.left && x < b.right && y >= b.top && y < b.bottom;
  const data = Uint8Array.from({ length: width * height }, (_, i) =>
    inside(i % width, Math.floor(i / width)) ? 1 : 0,
  );
  return { width, height, data };
}

/** RGBA of which every pixel is another. */
const canvasOf = (width: number, height: number): Picture => ({
  width,
  height,
  channels: 4,
  data: Uint8Array.from({ length: width * height * 4 }, (_, i) =>
    i % 4 === 3 ? 200 + (i % 50) : (i * 37 + (i >> 6)) % 256,
  ),
});

describe('placeWindows', () => {
  it.each([
    [
      'a mask in the middle of a square picture',
      256,
      256,
      box(64, 64, 192, 192),
      'whole',
      [{ left: 0, top: 0, size: 256 }],
    ],
    [
      'a small mask in a large picture',
      1600,
      900,
      box(1000, 400, 1100, 480),
      'window',
      [{ left: 922, top: 312, size: 256 }],
    ],
    ['a larger one', 1600, 900, box(0, 300, 400, 700), 'window', [{ left: 0, top: 100, size: 800 }]],
    ['one in a corner', 500, 333, box(450, 0, 500, 40), 'window', [{ left: 244, top: 0, size: 256 }]],
    ['a picture smaller than the model', 100, 80, box(10, 10, 30, 30), 'window', [{ left: 0, top: 0, size: 80 }]],
    ['all of a wide picture', 384, 256, box(0, 0, 384, 256), 'whole', [{ left: 0, top: -64, size: 384 }]],
    ['a tall mask of a long picture', 900, 300, box(300, 0, 400, 300), 'window', [{ left: 200, top: 0, size: 300 }]],
    ['one pixel', 1, 1, box(0, 0, 1, 1), 'whole', [{ left: 0, top: 0, size: 1 }]],
  ] as const)('%s', (_, width, height, mask, kind, windows) => {
    expect(placeWindows(width, height, mask, areaOf(mask), 256)).toEqual({ kind, windows });
  });

  it('draws the two ends of a picture that was grown at both sides in windows of their own', () => {
    const grown = placeWindows(384, 256, box(0, 0, 384, 256), 128 * 256, 256);
    expect(grown).toEqual({ kind: 'tiles', windows: [0, 128].map((left) => ({ left, top: 0, size: 256 })) });
  });

  it('cuts a long mask into windows that overlap by half or more', () => {
    const { kind, windows } = placeWindows(1000, 200, box(100, 0, 950, 200), 170_000, 256);
    expect(kind).toBe('tiles');
    expect(windows.map(({ left }) => left)).toEqual([100, 193, 286, 379, 471, 564, 657, 750]);
  });

  it('holds every mask, in windows that a picture can fill', () => {
    const side = fc.integer({ min: 1, max: 700 });
    const share = fc.double({ min: 0, max: 0.999, noNaN: true });
    fc.assert(
      fc.property(side, side, share, share, share, share, (width, height, a, b, c, d) => {
        const [left, top] = [Math.floor(a * width), Math.floor(b * height)];
        const mask = box(
          left,
          top,
          left + 1 + Math.floor(c * (width - left)),
          top + 1 + Math.floor(d * (height - top)),
        );
        const { kind, windows } = placeWindows(width, height, mask, areaOf(mask), 256);
        const covered = boxMask(width, height, mask);
        for (const window of windows) {
          expect(window.size).toBeLessThanOrEqual(Math.max(width, height));
          if (kind !== 'whole') {
            expect(Math.min(window.left, window.top)).toBeGreaterThanOrEqual(0);
            expect(Math.max(window.left - width, window.top - height) + window.size).toBeLessThanOrEqual(0);
          }
          markDrawn(covered, window);
        }
        expect(atOnce(maskBox(covered))).toBeUndefined();
      }),
      { numRuns: 60 },
    );
  });

  it('says in words what is done', () => {
    expect(describePlacement({ kind: 'whole', windows: [{ left: 0, top: 0, size: 256 }] }, 256)).toBe(
      'drawn as one picture of 256×256',
    );
    expect(describePlacement(placeWindows(1600, 900, box(0, 300, 400, 700), 160_000, 256), 256)).toBe(
      `drawn in a window of 800×800 at 0,100, at the model's 256×256 and resized`,
    );
  });
});

describe('the order of windows', () => {
  it('begins with the one of which most is known, and ends when nothing is left', () => {
    const mask = boxMask(100, 20, box(20, 0, 100, 20));
    const windows = [0, 30, 60, 80].map((left) => ({ left, top: 0, size: 20 + (left === 0 ? 5 : 0) }));
    const order = [];
    for (let w = atOnce(nextWindow(windows, mask)); w !== undefined; w = atOnce(nextWindow(windows, mask))) {
      order.push(w.left);
      markDrawn(mask, w);
    }
    expect(order).toEqual([0, 30, 60, 80]);
    expect(atOnce(maskBox(mask))).toEqual(box(25, 0, 60, 20));
  });
});

describe('what is known of a window', () => {
  it('holds nothing of what the mask covers, nor of what lies beyond the picture', () => {
    const canvas = canvasOf(6, 4);
    const mask = boxMask(6, 4, box(2, 0, 4, 4));
    for (let i = 0; i < 24; i++) if (mask.data[i] === 1) canvas.data.fill(255, 4 * i, 4 * i + 4);
    const { picture, mask: own } = atOnce(cutWindow(canvas, mask, { left: 0, top: -1, size: 6 }));
    const at = (x: number, y: number) => [...picture.data.subarray(3 * (6 * y + x), 3 * (6 * y + x) + 3)];
    const source = (x: number, y: number) => [...canvas.data.subarray(4 * (6 * y + x), 4 * (6 * y + x) + 3)];
    expect(at(1, 2)).toEqual(source(1, 1));
    expect(at(2, 2)).toEqual(source(1, 1));
    expect(at(3, 2)).toEqual(source(4, 1));
    expect(at(5, 0)).toEqual(source(5, 0));
    expect(own.data.subarray(0, 6)).toEqual(new Uint8Array(6).fill(1));
    expect([...own.data.subarray(12, 18)]).toEqual([0, 0, 1, 1, 0, 0]);
  });

  it('keeps a cell only when every pixel that it covers is kept', () => {
    const one = boxMask(10, 10, box(4, 0, 5, 1));
    expect([...atOnce(keptCells(one, 5))].flatMap((kept, i) => (kept === 0 ? [i] : []))).toEqual([2]);
    expect([...atOnce(keptCells(one, 3))].flatMap((kept, i) => (kept === 0 ? [i] : []))).toEqual([1]);
    expect([...atOnce(keptCells(one, 20))].flatMap((kept, i) => (kept === 0 ? [i] : []))).toEqual([8, 9, 28, 29]);
  });

  it('is given at both sizes, or not at all', () => {
    const mask = boxMask(32, 32, box(8, 8, 16, 16));
    const known = atOnce(
      knownPicture(atOnce(cutWindow(canvasOf(32, 32), mask, { left: 0, top: 0, size: 32 })), 8, 32),
    )!;
    expect([known.decoder.pixels.length, known.superRes.pixels.length]).toEqual([192, 3072]);
    expect(known.decoder.weights.reduce((a, b) => a + b)).toBe(60);
    expect(known.superRes.weights.reduce((a, b) => a + b)).toBe(960);
    const all = boxMask(32, 32, box(0, 0, 32, 32));
    expect(
      atOnce(knownPicture(atOnce(cutWindow(canvasOf(32, 32), all, { left: 0, top: 0, size: 32 })), 8, 32)),
    ).toBeUndefined();
  });
});

describe('pasteWindow', () => {
  const drawn: Picture = { width: 16, height: 16, channels: 4, data: new Uint8Array(1024).fill(80) };

  it('touches nothing outside the mask, alpha included, and what it draws is opaque', () => {
    const [canvas, before] = [canvasOf(40, 24), canvasOf(40, 24)];
    const mask = boxMask(40, 24, box(10, 5, 22, 19));
    const window = { left: 4, top: 0, size: 24 };
    atOnce(pasteWindow(canvas, drawn, window, atOnce(cutWindow(canvas, mask, window)), 3));
    for (let i = 0; i < 960; i++) {
      const pixel = [...canvas.data.subarray(4 * i, 4 * i + 4)];
      if (mask.data[i] === 0) expect(pixel).toEqual([...before.data.subarray(4 * i, 4 * i + 4)]);
      else expect(pixel[3]).toBe(255);
    }
    const middle = 4 * (12 * 40 + 16);
    expect([...canvas.data.subarray(middle, middle + 3)]).toEqual([80, 80, 80]);
  });

  it('rises from the edge without a jump, and has a hard edge where that is asked for', () => {
    const rise = [1, 2, 3, 4, 5].map((distance) => feathered(distance, 4));
    expect(rise.every((w, k) => w > (rise[k - 1] ?? 0))).toBe(true);
    expect(rise[0]).toBeLessThan(0.2);
    expect(rise[4]).toBe(1);
    expect(feathered(1, 0)).toBe(1);
  });
});

describe('a grown canvas', () => {
  it('holds the picture to the bit, with alpha, and draws the margins', () => {
    const picture = canvasOf(3, 2);
    const margins = { left: 1, right: 2, top: 0, bottom: 1 };
    const grown = atOnce(growPicture(picture, margins));
    expect([grown.width, grown.height]).toEqual([6, 3]);
    expect([...grown.data.subarray(4, 16)]).toEqual([...picture.data.subarray(0, 12)]);
    expect([...growMask(picture, undefined, margins).data]).toEqual([
      1, 0, 0, 0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
    ]);
    const own = boxMask(3, 2, box(1, 0, 2, 1));
    expect([...growMask(picture, own, margins).data.subarray(0, 6)]).toEqual([1, 0, 1, 0, 1, 1]);
  });

  it('is bounded before memory is taken', () => {
    const picture = canvasOf(3, 2);
    expect(() => atOnce(growPicture(picture, { left: 1e6, right: 0, top: 1e6, bottom: 0 }))).toThrow('over 64 Mpx');
  });
});
