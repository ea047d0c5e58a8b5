import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addon } from '../../src/ts/native/addon.js';

const { convert } = addon();

/** The value of f16 bits by the definition in IEEE 754. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const mantissa = bits & 1023;
  if (exponent === 31) return mantissa === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return exponent === 0 ? sign * mantissa * 2 ** -24 : sign * (1024 + mantissa) * 2 ** (exponent - 25);
}

const FINITE_HALVES = Array.from({ length: 0x7c00 }, (_, bits) => halfValue(bits));

/** f16 bits nearest to `value`, ties to even: by search among all finite f16 values. */
function nearestHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude >= 65520) return sign | 0x7c00;
  let [low, high] = [0, 0x7bff];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (FINITE_HALVES[middle]! <= magnitude) low = middle;
    else high = middle - 1;
  }
  if (low === 0x7bff) return sign | low;
  const below = magnitude - FINITE_HALVES[low]!;
  const above = FINITE_HALVES[low + 1]! - magnitude;
  return sign | (below < above || (below === above && low % 2 === 0) ? low : low + 1);
}

describe('from f16 and bf16', () => {
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);

  it('reads all 65536 f16 values exactly', () => {
    expect(convert(all, 'F16', 'f32')).toEqual(Float32Array.from(all, halfValue));
  });

  it('keeps all f16 values from f16 to f16, NaNs as NaNs', () => {
    const out = convert(all, 'F16', 'f16');
    out.forEach((bits, i) => {
      if (Number.isNaN(halfValue(i))) expect(halfValue(bits)).toBeNaN();
      else expect(bits).toBe(i);
    });
  });

  it('reads all 65536 bf16 values exactly', () => {
    const want = new Float32Array(Uint32Array.from(all, (bits) => bits * 65536).buffer);
    expect(convert(all, 'BF16', 'f32')).toEqual(want);
  });

  it('rounds bf16 to f16 as its value is rounded', () => {
    const out = convert(all, 'BF16', 'f16');
    const values = new Float32Array(Uint32Array.from(all, (bits) => bits * 65536).buffer);
    out.forEach((bits, i) => {
      if (Number.isNaN(values[i]!)) expect(halfValue(bits)).toBeNaN();
      else expect(bits).toBe(nearestHalf(values[i]!));
    });
  });
});

describe('to f16', () => {
  const special = [
    0,
    -0,
    65504,
    65519.99,
    65520,
    -65520,
    1e30,
    2 ** -24,
    2 ** -25,
    1.5 * 2 ** -25,
    2 ** -14,
    2 ** -14 - 2 ** -25,
  ];
  const magnitudes = fc.tuple(
    fc.double({ min: 1, max: 2, noNaN: true }),
    fc.integer({ min: -30, max: 17 }),
    fc.boolean(),
  );
  const real = magnitudes.map(([m, e, negative]) => (negative ? -m : m) * 2 ** e);

  it('rounds f32 to nearest even, subnormals included', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(real, fc.constantFrom(...special)), { minLength: 1, maxLength: 64 }), (values) => {
        const stored = Float32Array.from(values);
        expect(Array.from(convert(stored, 'F32', 'f16'))).toEqual(Array.from(stored, nearestHalf));
      }),
      { numRuns: 300 },
    );
  });

  it('rounds exact ties between neighbours to the even one', () => {
    const ties = Float32Array.from({ length: 0x7bff }, (_, i) => (FINITE_HALVES[i]! + FINITE_HALVES[i + 1]!) / 2);
    expect(Array.from(convert(ties, 'F32', 'f16'))).toEqual(Array.from(ties, (_, i) => i + (i % 2)));
  });

  it('rounds f64 once, not by way of f32', () => {
    fc.assert(
      fc.property(real, fc.integer({ min: 0, max: 0x7bfe }), (value, i) => {
        // Just off a tie: rounding to f32 first would lose the side.
        const tie = (FINITE_HALVES[i]! + FINITE_HALVES[i + 1]!) / 2;
        const stored = Float64Array.of(value, tie * (1 + 2 ** -45), tie * (1 - 2 ** -45), 1e300, 1e-300, -1e-300);
        expect(Array.from(convert(stored, 'F64', 'f16'))).toEqual(Array.from(stored, nearestHalf));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps infinities and NaN', () => {
    const stored = Float32Array.of(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN);
    const out = Array.from(convert(stored, 'F32', 'f16'), halfValue);
    expect(out).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]);
  });

  it('keeps a NaN whose payload lies in the bits that f16 lacks', () => {
    const out = convert(Uint32Array.of(0x7f800001, 0xff800001), 'F32', 'f16');
    expect(Array.from(out, halfValue)).toEqual([Number.NaN, Number.NaN]);
  });
});

describe('integers and f64', () => {
  const cases = [
    ['I8', Int8Array.of(-128, -1, 0, 127)],
    ['U8', Uint8Array.of(0, 1, 255)],
    ['I16', Int16Array.of(-32768, 0, 32767)],
    ['I32', Int32Array.of(-(2 ** 31), -1, 16777217, 2 ** 31 - 1)],
    ['F64', Float64Array.of(0.1, -1e-320, 1e300, Number.NaN)],
  ] as const;

  it.each(cases)('%s to f32 as Math.fround rounds', (dtype, stored) => {
    expect(convert(stored, dtype, 'f32')).toEqual(Float32Array.from(stored));
  });

  it.each(cases)('%s to f16', (dtype, stored) => {
    const out = convert(stored, dtype, 'f16');
    stored.forEach((value, i) => {
      if (Number.isNaN(value)) expect(halfValue(out[i]!)).toBeNaN();
      else expect(out[i]).toBe(nearestHalf(value));
    });
  });

  it('I64 and BOOL', () => {
    const wide = BigInt64Array.of(-5n, 0n, 49407n, 2n ** 62n);
    expect(convert(wide, 'I64', 'f32')).toEqual(Float32Array.of(-5, 0, 49407, 2 ** 62));
    expect(convert(Uint8Array.of(0, 1, 2), 'BOOL', 'f32')).toEqual(Float32Array.of(0, 1, 1));
  });

  it('reads from an unaligned view', () => {
    const bytes = new Uint8Array(9);
    new DataView(bytes.buffer).setFloat32(1, 0.25, true);
    expect(convert(bytes.subarray(1, 5), 'F32', 'f32')).toEqual(Float32Array.of(0.25));
  });

  it('refuses what is not whole or not known', () => {
    const invalid = expect.objectContaining({ code: 'INPUT_INVALID' });
    expect(() => convert(new Uint8Array(5), 'F32', 'f32')).toThrow(invalid);
    expect(() => convert(new Uint8Array(4), 'F8' as 'F32', 'f32')).toThrow(invalid);
    expect(() => convert([] as unknown as Uint8Array, 'F32', 'f32')).toThrow(invalid);
  });

  it('converts as much by threads as by one', () => {
    const stored = Float32Array.from({ length: 1 << 20 }, (_, i) => Math.sin(i));
    expect(convert(stored, 'F32', 'f32')).toEqual(stored);
  });
});
