import { describe, expect, it } from 'vitest';
import { slerp, turnTowards } from '../../src/ts/diffusion/slerp.js';
import { TorchGenerator } from '../../src/ts/native/torch-generator.js';

const norm = (v: Float32Array): number => Math.hypot(...v);
const angle = (a: Float32Array, b: Float32Array): number =>
  Math.acos(Math.min(1, a.reduce((sum, v, i) => sum + v * b[i]!, 0) / (norm(a) * norm(b))));
const random = (seed: number, n = 200): Float32Array => new TorchGenerator(seed).randn([n], 'channelsLast');

describe('slerp', () => {
  it('is Shoemake’s formula for vectors of one length', () => {
    const [a, b] = [Float32Array.of(3, 0, 0), Float32Array.of(1.5, 1.5 * Math.sqrt(3), 0)];
    const omega = Math.PI / 3;
    for (const t of [0.1, 0.5, 0.8]) {
      const [wa, wb] = [Math.sin((1 - t) * omega) / Math.sin(omega), Math.sin(t * omega) / Math.sin(omega)];
      slerp(a, b, t).forEach((v, i) => {
        expect(v).toBeCloseTo(wa * a[i]! + wb * b[i]!, 6);
      });
    }
  });

  it('gives its ends to the bit, turns at constant speed, and changes length in proportion', () => {
    const [a, b] = [random(1), random(2).map((v) => 5 * v)];
    expect(slerp(a, b, 0)).toEqual(a);
    expect(slerp(a, b, 1)).toEqual(b);
    for (const t of [0.25, 0.5, 0.75]) {
      const v = slerp(a, b, t);
      expect(angle(a, v)).toBeCloseTo(t * angle(a, b), 5);
      expect(angle(v, b)).toBeCloseTo((1 - t) * angle(a, b), 5);
      expect(norm(v)).toBeCloseTo((1 - t) * norm(a) + t * norm(b), 3);
    }
  });

  it('has an answer for equal, opposite and empty vectors', () => {
    const a = random(3);
    slerp(a, a, 0.4).forEach((v, i) => {
      expect(v).toBeCloseTo(a[i]!, 6);
    });
    const half = slerp(
      a,
      a.map((v) => -v),
      0.5,
    );
    expect(angle(a, half)).toBeCloseTo(Math.PI / 2, 5);
    expect(norm(half)).toBeCloseTo(norm(a), 3);
    expect(slerp(Float32Array.of(0, 0), Float32Array.of(2, 4), 0.25)).toEqual(Float32Array.of(0.5, 1));
  });
});

describe('turnTowards', () => {
  it('turns by a part of the angle and keeps the length, whatever the direction’s', () => {
    const [a, d] = [random(4), random(5).map((v) => v / 100)];
    const turned = turnTowards(a, d, 0.3);
    expect(norm(turned)).toBeCloseTo(norm(a), 3);
    expect(angle(a, turned)).toBeCloseTo(0.3 * angle(a, d), 5);
    expect(turnTowards(a, d, 0)).toEqual(a);
  });
});
