import { describe, expect, it } from 'vitest';
import { preprocess } from '../../src/ts/gpu/preprocess.js';

const files = (texts: Record<string, string>) => (name: string) => {
  const text = texts[name];
  if (text === undefined) throw new Error(`no file ${name}`);
  return text;
};
const lines = (text: string) => text.split('\n').filter((l) => l.trim() !== '');

describe('preprocess', () => {
  it('takes the branch that the switch says, nested and negated', () => {
    const load = files({ a: '//#if X\none\n//#if !Y\ntwo\n//#else\nthree\n//#endif\n//#else\nfour\n//#endif' });
    expect(lines(preprocess('a', { X: true, Y: true }, load))).toEqual(['one', 'three']);
    expect(lines(preprocess('a', { X: true }, load))).toEqual(['one', 'two']);
    expect(lines(preprocess('a', {}, load))).toEqual(['four']);
  });

  it('imports each file once and hoists module directives', () => {
    const load = files({
      a: '//#import b\n//#import c\nfn main() {}',
      b: 'enable f16;\nalias E = f16;',
      c: '//#import b\nfn c() {}',
    });
    expect(lines(preprocess('a', {}, load))).toEqual(['enable f16;', 'alias E = f16;', 'fn c() {}', 'fn main() {}']);
  });

  it('drops directives and imports of a branch that is not taken', () => {
    const load = files({ a: '//#if F16\nenable f16;\n//#import missing\n//#endif\nbody' });
    expect(lines(preprocess('a', { F16: false }, load))).toEqual(['body']);
  });

  it('turns numbers into typed constants', () => {
    const load = files({ a: '//#const ROWS u32\n//#const EPS f32\n//#const D i32' });
    expect(lines(preprocess('a', { ROWS: 4, EPS: 0.5, D: -1 }, load))).toEqual([
      'const ROWS: u32 = 4u;',
      'const EPS: f32 = 0.5f;',
      'const D: i32 = -1i;',
    ]);
  });

  it('repeats the lines of an unrolled loop, nested ones too', () => {
    const load = files({ a: '//#unroll i ROWS\n//#unroll j 2\na[i * 2u + j] = bi;\n//#endunroll\n//#endunroll\nend' });
    expect(lines(preprocess('a', { ROWS: 2 }, load))).toEqual([
      ...['{', '{', 'a[0u * 2u + 0u] = bi;', '}', '{', 'a[0u * 2u + 1u] = bi;', '}', '}'],
      ...['{', '{', 'a[1u * 2u + 0u] = bi;', '}', '{', 'a[1u * 2u + 1u] = bi;', '}', '}'],
      'end',
    ]);
    expect(lines(preprocess('a', { ROWS: 0 }, load))).toEqual(['end']);
  });

  it.each([
    ['//#unroll i 2', 'without #endunroll'],
    ['//#endunroll', '#endunroll without #unroll'],
    ['//#unroll i ROWS', 'ROWS is not defined'],
    ['//#unroll i', 'not of the form'],
    ['//#if X', 'without #endif'],
    ['//#endif', '#endif without #if'],
    ['//#else', '#else without #if'],
    ['//#frobnicate', 'unknown directive'],
    ['//#const ROWS u32', 'ROWS is not defined'],
    ['//#const ROWS vec4', 'not of the form'],
  ])('refuses %s', (text, message) => {
    expect(() => preprocess('a', {}, files({ a: text }))).toThrow(message);
  });
});
