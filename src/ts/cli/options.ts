import { UsageError } from './failure.js';
import { onOneLine } from './ui/format.js';

/** Parsers of option values, for commander: each names its option when it refuses a value. */
type Parser<T> = (text: string) => T;

const refuse = (name: string, text: string, wanted: string): never => {
  throw new UsageError(`${name} is '${onOneLine(text, 60)}': give ${wanted}`);
};

/** A whole number in plain decimal digits. */
export function wholeNumber(name: string, min: number, max: number): Parser<number> {
  return (text) => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    return refuse(name, text, `a whole number, ${min} to ${max === Number.MAX_SAFE_INTEGER ? '2^53 - 1' : max}`);
  };
}

/** A number such as `4` or `1.5`; neither NaN nor infinite. */
export function decimalNumber(name: string, min: number, max: number): Parser<number> {
  return (text) => {
    const value = /^\d*\.?\d+(e[+-]?\d+)?$/i.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? value : refuse(name, text, `a number, ${min} to ${max}`);
  };
}

/** Help of `--adapter`. */
export const ADAPTER_HELP = 'auto, hardware, software, or a part of its name';

/** Help of `--weights`. */
export const WEIGHTS_HELP = 'matrix weights: full, or q8, which takes 8 bits for each';

/** One of some words. */
export function oneOf<T extends string>(name: string, words: readonly T[]): Parser<T> {
  return (text) => words.find((word) => word === text) ?? refuse(name, text, words.join(', '));
}

/** Some of some words, with commas between them. */
export function someOf<T extends string>(name: string, words: readonly T[]): Parser<T[]> {
  const one = oneOf(name, words);
  return (text) => text.split(',').map((word) => one(word.trim()));
}

const FACTORS: Readonly<Record<string, number>> = {
  '': 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  KI: 2 ** 10,
  MI: 2 ** 20,
  GI: 2 ** 30,
  TI: 2 ** 40,
};

/** Bytes: `4GiB`, `500MB`, `1073741824`. */
export function byteCount(name: string): Parser<number> {
  return (text) => {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*([KMGT]?i?)B?$/i.exec(text) ?? [];
    const factor = FACTORS[unit?.toUpperCase() ?? ''];
    const value = digits === undefined || factor === undefined ? Number.NaN : Math.floor(Number(digits) * factor);
    return value >= 1 && value <= Number.MAX_SAFE_INTEGER ? value : refuse(name, text, 'bytes such as 4GiB or 500MB');
  };
}
