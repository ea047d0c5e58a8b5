import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/ts/cli/failure.js';
import { byteCount, decimalNumber, someOf, wholeNumber } from '../../src/ts/cli/options.js';
import { formatBytes, formatCount, formatDuration, onOneLine } from '../../src/ts/cli/ui/format.js';
import { type StageStep, stageProgress } from '../../src/ts/cli/ui/stage-progress.js';
import { formatTable } from '../../src/ts/cli/ui/table.js';

describe('figures for people', () => {
  it('formats bytes, counts and durations', () => {
    expect([0, 512, 1536, 300 * 2 ** 20, 4 * 2 ** 30].map(formatBytes)).toEqual([
      '0 B',
      '512 B',
      '1.5 KiB',
      '300 MiB',
      '4.0 GiB',
    ]);
    expect([7, 1500, 123_456_789, 2e12].map(formatCount)).toEqual(['7', '1.5 k', '123 M', '2.0 T']);
    expect([3.4, 2500, 125_000, 3_725_000].map(formatDuration)).toEqual(['3 ms', '2.5 s', '2:05 min', '1:02:05 h']);
  });

  it('keeps control characters away from the terminal', () => {
    expect(onOneLine('a\u001b[31mred\nline')).toBe('a [31mred line');
    expect(onOneLine('x'.repeat(50), 10)).toBe(`${'x'.repeat(9)}…`);
  });

  it('aligns tables', () => {
    const table = formatTable(
      ['name', 'n'],
      [
        ['a', '1'],
        ['long name', '100'],
      ],
      ['left', 'right'],
    );
    expect(table).toBe('name         n\na            1\nlong name  100');
  });
});

describe('option values', () => {
  it('reads bytes', () => {
    const parse = byteCount('--memory');
    expect(['4GiB', '500MB', '1.5k', '1024', '2 Mi'].map(parse)).toEqual([2 ** 32, 5e8, 1500, 1024, 2 ** 21]);
    for (const text of ['', '0', '-1', '1e9', '4 gigs', 'GiB', '99999999TiB'])
      expect(() => parse(text)).toThrow(UsageError);
  });

  it('reads numbers as they are meant', () => {
    expect(decimalNumber('x', 0, 100)('.5')).toBe(0.5);
    expect(decimalNumber('x', 0, 100)('1e1')).toBe(10);
    expect(wholeNumber('x', 0, 10)('007')).toBe(7);
    for (const text of ['', ' ', '0x10', '1_000', 'NaN', '-0', '1,5']) {
      expect(() => decimalNumber('x', 0, 100)(text)).toThrow(UsageError);
      expect(() => wholeNumber('x', 0, 100)(text)).toThrow(UsageError);
    }
    expect(someOf('x', ['a', 'b'])('a, b')).toEqual(['a', 'b']);
  });
});

describe('progress', () => {
  const step = (over: Partial<StageStep>): StageStep => ({
    stage: 'decoder',
    step: 1,
    steps: 2,
    pictures: '1',
    total: 2,
    remainingMs: 65_000,
    ...over,
  });

  function write(isTTY: boolean, quiet: boolean, steps: readonly StageStep[]): string {
    const stream = Object.assign(new PassThrough(), { isTTY, columns: 100 });
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    const progress = stageProgress(stream, quiet);
    for (const s of steps) progress.update(s);
    progress.stop();
    return text;
  }

  it('writes a line a finished stage where nobody watches', () => {
    const text = write(false, false, [step({}), step({ step: 2 }), step({ stage: 'text', steps: 1 })]);
    expect(text).toMatch(/^picture 1 of 2, decoder: 2 steps, \d+ ms\npicture 1 of 2, text: \d+ ms\n$/);
  });

  it('shows stage, step and time left on a terminal', () => {
    const text = write(true, false, [step({ step: 1 })]);
    expect(text).toContain('decoder');
    expect(text).toContain('1/2  1:05 min left  picture 1 of 2');
  });

  it('writes nothing when quiet', () => {
    expect(write(true, true, [step({})])).toBe('');
  });
});
