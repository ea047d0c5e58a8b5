import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { openWeights } from '../../src/ts/weights/weights.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-torch-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

const fixture = (name: string): Buffer => readFileSync(fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url)));

/** Longest that a damaged file of some kilobytes may take, milliseconds; usually it is one. */
const PATIENCE = 2000;
const MEMORY = 256 * 2 ** 20;

/** What becomes of these bytes: tensors, all of them read, or an error with a code. */
function outcome(bytes: Uint8Array, ending: string): string {
  const path = join(folder, `x.${ending}`);
  writeFileSync(path, bytes);
  try {
    const weights = openWeights(path);
    try {
      for (const name of weights.names()) weights.read(name);
    } finally {
      weights.close();
    }
    return 'read';
  } catch (error) {
    return (error as { code?: string }).code ?? `no code: ${error}`;
  }
}

const ACCEPTED = ['read', 'MODEL_FILE_INVALID', 'MODEL_TENSOR_DTYPE'];

function check(bytes: Uint8Array, ending: string): void {
  const before = process.memoryUsage().rss;
  const start = performance.now();
  expect(ACCEPTED).toContain(outcome(bytes, ending));
  expect(performance.now() - start).toBeLessThan(PATIENCE);
  expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY);
}

describe.each([
  ['torch/views.bin', 'bin', 600],
  ['torch/views_legacy.bin', 'bin', 600],
  ['torch/module.pt', 'pt', 300],
  ['dvae-small/encoder.pkl', 'pkl', 60],
])('%s, damaged', (name, ending, numRuns) => {
  const good = fixture(name);
  const place = fc.integer({ min: 0, max: good.length - 1 });

  it('reads when it is not', () => expect(outcome(good, ending)).toBe('read'));

  it('cut off anywhere', () => {
    fc.assert(
      fc.property(place, (length) => {
        expect(outcome(good.subarray(0, length), ending)).toBe('MODEL_FILE_INVALID');
      }),
      { numRuns: numRuns / 2, seed: 1 },
    );
  });

  it('with bytes changed', () => {
    const changes = fc.array(fc.tuple(place, fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(changes, (list) => {
        const bytes = Buffer.from(good);
        for (const [at, value] of list) bytes[at] = value;
        check(bytes, ending);
      }),
      { numRuns, seed: 2 },
    );
  });

  it('with pieces moved', () => {
    fc.assert(
      fc.property(place, place, fc.integer({ min: 1, max: 200 }), (from, to, length) => {
        const bytes = Buffer.from(good);
        bytes.copy(bytes, to, from, Math.min(from + length, good.length));
        check(bytes, ending);
      }),
      { numRuns: numRuns / 2, seed: 3 },
    );
  });
});

it('takes no random bytes for a checkpoint', () => {
  const tails = fc.uint8Array({ minLength: 0, maxLength: 300 });
  const starts = fc.constantFrom(
    '',
    '\x80\x02',
    '\x80\x04\x95',
    'PK\x03\x04',
    '\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.',
  );
  fc.assert(
    fc.property(starts, tails, (start, tail) => {
      expect(outcome(Buffer.concat([Buffer.from(start, 'latin1'), tail]), 'bin')).toBe('MODEL_FILE_INVALID');
    }),
    { numRuns: 600, seed: 4 },
  );
});
