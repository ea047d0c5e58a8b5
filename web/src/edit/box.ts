/** Part of a picture, pixels. */
export interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Sides {
  readonly width: number;
  readonly height: number;
}

const STEP = 8;
const FINE_STEP = 1;

const clamp = (value: number, from: number, to: number): number => Math.min(to, Math.max(from, value));

/** A box in the middle of a picture. */
export function middleBox({ width, height }: Sides): Box {
  const [w, h] = [Math.round(width / 3), Math.round(height / 3)];
  return { x: Math.round((width - w) / 2), y: Math.round((height - h) / 2), width: w, height: h };
}

/** The part of a picture between two corners. */
export function boxBetween(a: { x: number; y: number }, b: { x: number; y: number }, sides: Sides): Box {
  const left = clamp(Math.floor(Math.min(a.x, b.x)), 0, sides.width - 1);
  const top = clamp(Math.floor(Math.min(a.y, b.y)), 0, sides.height - 1);
  const right = clamp(Math.ceil(Math.max(a.x, b.x)), left + 1, sides.width);
  const bottom = clamp(Math.ceil(Math.max(a.y, b.y)), top + 1, sides.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Keys that move a box; with Shift they move its right and lower edges, with Alt by single pixels. */
const DIRECTIONS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface Key {
  readonly key: string;
  readonly shiftKey: boolean;
  readonly altKey: boolean;
}

/** @returns the box after a key was pressed, within the picture; undefined for keys that do nothing with it */
export function boxAfterKey(box: Box, { key, shiftKey, altKey }: Key, sides: Sides): Box | undefined {
  const direction = DIRECTIONS[key];
  if (direction === undefined) return undefined;
  const step = altKey ? FINE_STEP : STEP;
  const [dx, dy] = [direction[0] * step, direction[1] * step];
  if (!shiftKey)
    return {
      ...box,
      x: clamp(box.x + dx, 0, sides.width - box.width),
      y: clamp(box.y + dy, 0, sides.height - box.height),
    };
  return {
    ...box,
    width: clamp(box.width + dx, 1, sides.width - box.x),
    height: clamp(box.height + dy, 1, sides.height - box.y),
  };
}
