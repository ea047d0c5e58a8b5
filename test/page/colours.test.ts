import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/ts/util/package-root.js';

/** WCAG 2.2, "relative luminance" and "contrast ratio". */
function contrast(one: string, other: string): number {
  const luminance = (hex: string): number => {
    const [r, g, b] = [1, 3, 5]
      .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
  };
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

describe('the colours', () => {
  const css = readFileSync(join(packageRoot(), 'web/styles/colours.css'), 'utf8');
  const colours = new Map(
    [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)].map(([, name, light, dark]) => [
      name,
      [light!, dark!],
    ]),
  );
  const TEXT = [
    ...['text', 'muted', 'accent-strong', 'warm', 'danger'].flatMap((text) => [
      [text, 'ground'],
      [text, 'card'],
    ]),
    ['accent-strong', 'tint'],
    ['text', 'tint'],
    ['text', 'sunken'],
    ['muted', 'sunken'],
    ['on-accent', 'accent'],
    ['on-accent', 'accent-strong'],
    ['text', 'danger-tint'],
  ];
  const SHAPES = [
    ['control', 'card'],
    ['control', 'ground'],
    ['accent', 'card'],
    ['accent', 'ground'],
    ['accent', 'line'],
  ];

  it.each([
    ...TEXT.map(([one, other]) => [one, other, 4.5] as const),
    ...SHAPES.map(([one, other]) => [one, other, 3] as const),
  ])('%s on %s has a contrast of %d, in light and dark', (one, other, least) => {
    for (const k of [0, 1]) expect(contrast(colours.get(one!)![k]!, colours.get(other!)![k]!)).toBeGreaterThan(least);
  });
});
