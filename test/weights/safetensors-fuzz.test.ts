import { execFileSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { addon, type StoredDType } from '../../src/ts/native/addon.js';
import { packageRoot } from '../../src/ts/util/package-root.js';
import { SafetensorsFile } from '../../src/ts/weights/safetensors-file.js';
import { safetensorsBytes, type TensorToWrite, withHeader } from '../support/safetensors-writer.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));

const SIZES = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 } as const;
const product = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);

/** Opens these bytes and reads every tensor; the tensors, or the error's code. */
function outcome(bytes: Uint8Array): readonly TensorToWrite[] | string {
  const path = join(folder, 'x.safetensors');
  writeFileSync(path, bytes);
  let file: SafetensorsFile;
  try {
    file = new SafetensorsFile(path);
  } catch (error) {
    return (error as { code?: string }).code ?? `no code: ${error}`;
  }
  for (const { name, shape } of file.tensors) {
    const count = product(shape);
    const out = new Uint8Array(count * 4);
    try {
      file.copy(name, out, { f16: false, byteOffset: 0, zeros: 0 });
    } catch (error) {
      // A changed byte of an F64 may well exceed f32.
      if ((error as { code?: string }).code !== 'MODEL_TENSOR_DTYPE') throw error;
    }
  }
  const tensors = file.tensors.map(({ name, dtype, shape }) => ({ name, dtype, shape, data: new Uint8Array() }));
  file.close();
  return tensors;
}

/** What the format says of these bytes, read by JSON.parse: undefined where it is not a safetensors file. */
function byDefinition(bytes: Uint8Array): Map<string, { dtype: string; shape: number[] }> | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < 8) return undefined;
  const length = view.readBigUInt64LE(0);
  if (length > BigInt(view.length - 8)) return undefined;
  const end = 8 + Number(length);
  let header: Record<string, { dtype: StoredDType; shape: number[]; data_offsets: number[] }>;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(view.subarray(8, end)));
  } catch {
    return undefined;
  }
  const entries = Object.entries(header).filter(([name]) => name !== '__metadata__');
  const ranges = entries.map(([, { data_offsets }]) => data_offsets).sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!);
  let at = 0;
  for (const [from, to] of ranges) {
    if (from !== at || to! < from) return undefined;
    at = to!;
  }
  const fits = entries.every(([, t]) => product(t.shape) * SIZES[t.dtype] === t.data_offsets[1]! - t.data_offsets[0]!);
  return fits && at === view.length - end ? new Map(entries) : undefined;
}

const dtype = fc.constantFrom(...(Object.keys(SIZES) as StoredDType[]));
const shape = fc.array(fc.nat(5), { maxLength: 4 });
const tensor = fc.tuple(dtype, shape, fc.nat(255)).map(([type, extents, fill]): TensorToWrite => {
  const data = new Uint8Array(product(extents) * SIZES[type]).fill(fill);
  return { dtype: type, shape: extents, data };
});
const name = fc.string({ unit: 'grapheme', maxLength: 12 }).filter((s) => s !== '__metadata__' && s !== '__proto__');
const metadata = fc.option(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), {
  nil: undefined,
});
const valid = fc.tuple(fc.dictionary(name, tensor, { maxKeys: 5 }), metadata);

describe('safetensors files at random', () => {
  it('reads every well-formed file', () => {
    fc.assert(
      fc.property(valid, ([tensors, meta]) => {
        const read = outcome(safetensorsBytes(tensors, meta));
        expect(read).toBeInstanceOf(Array);
        const byName = new Map((read as (TensorToWrite & { name: string })[]).map((t) => [t.name, t]));
        expect(byName.size).toBe(Object.keys(tensors).length);
        for (const [key, { dtype, shape }] of Object.entries(tensors))
          expect(byName.get(key)).toMatchObject({ dtype, shape });
      }),
      { numRuns: 200 },
    );
  });

  it('refuses every truncated file, and every file with something after it', () => {
    fc.assert(
      fc.property(valid, fc.nat(), ([tensors, meta], cut) => {
        const bytes = safetensorsBytes(tensors, meta);
        expect(outcome(bytes.subarray(0, cut % bytes.length))).toBe('MODEL_FILE_INVALID');
        expect(outcome(Buffer.concat([bytes, Uint8Array.of(0)]))).toBe('MODEL_FILE_INVALID');
      }),
      { numRuns: 200 },
    );
  });

  it('refuses damaged files or reads what they say', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(valid, damage, ([tensors, meta], changes) => {
        const bytes = Uint8Array.from(safetensorsBytes(tensors, meta));
        // Mostly the header: that is where the decisions are taken.
        const reach = Math.min(bytes.length, 8 + Number(Buffer.from(bytes).readBigUInt64LE(0)) + 4);
        for (const [position, value] of changes) bytes[position % reach] = value;
        const got = outcome(bytes);
        if (typeof got === 'string') {
          expect(got).toBe('MODEL_FILE_INVALID');
          return;
        }
        const want = byDefinition(bytes);
        expect(want?.size).toBe(got.length);
        for (const t of got as (TensorToWrite & { name: string })[]) {
          expect({ dtype: t.dtype, shape: t.shape }).toEqual({
            dtype: want!.get(t.name)!.dtype,
            shape: want!.get(t.name)!.shape,
          });
        }
      }),
      { numRuns: 600 },
    );
  });

  it('refuses random bytes behind a plausible length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(outcome(bytes)).toBe('MODEL_FILE_INVALID');
        expect(outcome(withHeader(Buffer.concat([Buffer.from('{"'), bytes]), new Uint8Array()))).toBe(
          'MODEL_FILE_INVALID',
        );
      }),
      { numRuns: 200 },
    );
  });
});

const entry = (fields: string): string => `{"a":{${fields}}}`;
const F32x2 = '"dtype":"F32","shape":[2],"data_offsets":[0,8]';
const data = new Uint8Array(8);

/** Header, data, and words of the message. */
const HOSTILE: [string, string | Uint8Array, Uint8Array, string][] = [
  ['no header', '', data, "start with '{'"],
  ['a list', '[]', data, "start with '{'"],
  ['space before the brace', ` ${entry(F32x2)}`, data, "start with '{'"],
  ['something after the header', `${entry(F32x2)}{}`, data, 'follows'],
  ['a duplicate tensor', `{"a":{${F32x2}},"a":{${F32x2}}}`, data, 'appears twice'],
  ['a duplicate by escape', `{"a":{${F32x2}},"\\u0061":{${F32x2}}}`, data, 'appears twice'],
  ['duplicate metadata', `{"__metadata__":{"k":"1","k":"2"},"a":{${F32x2}}}`, data, 'appears twice'],
  ['metadata twice', `{"__metadata__":{},"__metadata__":{},"a":{${F32x2}}}`, data, 'appears twice'],
  ['metadata that is no string', `{"__metadata__":{"k":1},"a":{${F32x2}}}`, data, "expected '\"'"],
  ['a duplicate field', entry(`"dtype":"F32",${F32x2}`), data, 'dtype twice'],
  ['an unknown field', entry(`${F32x2},"x":1`), data, 'unknown field'],
  ['a missing field', entry('"dtype":"F32","shape":[2]'), data, 'lacks'],
  ['a name of a megabyte', `{"${'é'.repeat(500_000)}":{"dtype":"F32"}}`, data, 'é…"'],
  ['a line break in a name', '{"a\\nb":{"dtype":"F32"}}', data, '"a?b"'],
  ['an unknown dtype', entry('"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]'), data, 'F8_E4M3'],
  ['a dtype in lower case', entry('"dtype":"f32","shape":[2],"data_offsets":[0,8]'), data, 'not supported'],
  ['a negative extent', entry('"dtype":"F32","shape":[-2],"data_offsets":[0,8]'), data, 'integer of 0 or more'],
  ['a fraction', entry('"dtype":"F32","shape":[2.0],"data_offsets":[0,8]'), data, 'integer of 0 or more'],
  ['an exponent', entry('"dtype":"F32","shape":[2e0],"data_offsets":[0,8]'), data, 'integer of 0 or more'],
  ['a leading zero', entry('"dtype":"F32","shape":[02],"data_offsets":[0,8]'), data, 'starts with 0'],
  ['a number of 40 digits', entry(`"dtype":"F32","shape":[${'9'.repeat(40)}],"data_offsets":[0,8]`), data, 'too large'],
  [
    'a product that wraps to 2',
    entry('"dtype":"F32","shape":[4294967296,4294967296,2],"data_offsets":[0,8]'),
    data,
    'product is too large',
  ],
  [
    'an overflow hidden by a zero',
    entry(`"dtype":"F32","shape":[0,${2n ** 63n}],"data_offsets":[0,0]`),
    data,
    'too large',
  ],
  [
    'a shape of 17 dimensions',
    entry(`"dtype":"F32","shape":[${Array(17).fill(1)}],"data_offsets":[0,4]`),
    data,
    'too long',
  ],
  ['offsets past the end', entry('"dtype":"F32","shape":[4],"data_offsets":[0,16]'), data, 'past the end'],
  [
    'offsets near 2^64',
    entry('"dtype":"F32","shape":[2],"data_offsets":[18446744073709551608,0]'),
    data,
    'before it begins',
  ],
  ['negative offsets', entry('"dtype":"F32","shape":[2],"data_offsets":[-8,0]'), data, 'integer of 0 or more'],
  ['offsets in reverse', entry('"dtype":"F32","shape":[2],"data_offsets":[8,0]'), data, 'before it begins'],
  ['one offset', entry('"dtype":"F32","shape":[2],"data_offsets":[0]'), data, 'two data_offsets'],
  ['three offsets', entry('"dtype":"F32","shape":[2],"data_offsets":[0,8,8]'), data, 'too long'],
  ['a shape of another size', entry('"dtype":"F32","shape":[3],"data_offsets":[0,8]'), data, 'does not fit'],
  ['a hole before', entry('"dtype":"F32","shape":[1],"data_offsets":[4,8]'), data, 'unused bytes before'],
  ['a hole after', entry('"dtype":"F32","shape":[1],"data_offsets":[0,4]'), data, 'unused bytes after'],
  ['an overlap', `{"a":{${F32x2}},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, data, 'overlaps'],
  ['a string without end', '{"a', data, 'does not end'],
  ['half a surrogate pair', `{"\\ud800":{${F32x2}}}`, data, 'surrogate'],
  ['a wrong surrogate pair', `{"\\ud800\\u0041":{${F32x2}}}`, data, 'surrogate'],
  ['a wrong escape', `{"\\x":{${F32x2}}}`, data, 'escape'],
  ['a short escape', '{"\\u12', data, 'hexadecimal'],
  ['an escape at the end', '{"\\', data, 'escape'],
  ['a control character', `{"\n":{${F32x2}}}`, data, 'control'],
  ['a NUL', `{"\0":{${F32x2}}}`, data, 'control'],
  ['overlong UTF-8', Buffer.from([0x7b, 0x22, 0xc0, 0x80, 0x22, 0x3a]), data, 'UTF-8'],
  ['cut UTF-8', Buffer.from([0x7b, 0x22, 0xe2, 0x82]), data, 'UTF-8'],
  ['a trailing comma', `{"a":{${F32x2}},}`, data, 'expected'],
  ['many nested objects', '{"a":'.repeat(200_000), data, 'unknown field'],
  ['many nested lists', `{"a":{"shape":${'['.repeat(1_000_000)}`, data, 'expected'],
];

describe('crafted headers', () => {
  it.each(HOSTILE)('%s', (_, header, bytes, why) => {
    const path = join(folder, 'crafted.safetensors');
    writeFileSync(path, withHeader(header, bytes));
    const invalid = { code: 'MODEL_FILE_INVALID', message: expect.stringContaining(why) };
    expect(() => new SafetensorsFile(path)).toThrow(expect.objectContaining(invalid));
  });

  it.each([
    [0n, "start with '{'"],
    [1_000_000n, 'longer than the file'],
    [100_000_001n, 'larger than 100 MB'],
    [2n ** 63n, 'larger than 100 MB'],
    [2n ** 64n - 1n, 'larger than 100 MB'],
    [2n ** 64n - 8n, 'larger than 100 MB'],
  ])('a header of %i bytes', (length, why) => {
    const path = join(folder, 'length.safetensors');
    writeFileSync(path, withHeader(entry(F32x2), data, length));
    const invalid = { code: 'MODEL_FILE_INVALID', message: expect.stringContaining(why) };
    expect(() => new SafetensorsFile(path)).toThrow(expect.objectContaining(invalid));
  });

  it('accepts spaces after the header, escapes, any order of tensors, and empty tensors anywhere', () => {
    const header = `{"b\\u00e9\\ud83d\\ude00":{"data_offsets":[4,8],"shape":[],"dtype":"F32"},
      "e":{"dtype":"F64","shape":[3,0],"data_offsets":[4,4]},"a":{"dtype":"I32","shape":[1,1],"data_offsets":[0,4]}}   `;
    const path = join(folder, 'fine.safetensors');
    writeFileSync(path, withHeader(header, data));
    const names = new SafetensorsFile(path).tensors.map((t) => t.name);
    expect(names).toEqual(['a', 'e', 'bé😀']);
  });
});

describe('in a process of its own', () => {
  /** Opens each path given and reads the first tensor, and prints one code a line; dies where the addon does. */
  const SCRIPT = `
    const [addonPath, ...paths] = process.argv.slice(1);
    const { TensorFile } = require(addonPath);
    for (const path of paths) {
      try {
        const file = new TensorFile(path);
        file.copy(0, new Uint8Array(16), { f16: false, byteOffset: 0, zeros: 0 });
        console.log('read');
      } catch (error) { console.log(error.code); }
    }`;
  const built = join(packageRoot(), 'build', 'Release', 'unclip.node');
  const codes = (paths: string[]): string[] =>
    execFileSync(process.execPath, ['-e', SCRIPT, built, ...paths], { encoding: 'utf8', timeout: 30_000 })
      .trim()
      .split('\n');

  it('survives the worst files', () => {
    expect(addon()).toBeDefined();
    const paths = HOSTILE.map(([, header, bytes], i) => {
      const path = join(folder, `hostile-${i}`);
      writeFileSync(path, withHeader(header, bytes));
      return path;
    });
    expect(codes(paths)).toEqual(paths.map(() => 'MODEL_FILE_INVALID'));
  });

  it.skipIf(process.platform === 'win32')('survives folders, devices, pipes, empty and sparse files', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const empty = join(folder, 'empty');
    writeFileSync(empty, '');
    const sparse = join(folder, 'sparse');
    const size = 2 ** 40;
    const header = Buffer.from(`{"a":{"dtype":"F32","shape":[${size / 4}],"data_offsets":[0,${size}]}}`);
    const handle = openSync(sparse, 'w');
    writeSync(handle, withHeader(header, new Uint8Array()));
    ftruncateSync(handle, 8 + header.length + size);
    closeSync(handle);
    const shorter = join(folder, 'shorter');
    writeFileSync(shorter, withHeader(header, new Uint8Array(4096)));
    expect(
      codes([folder, '/dev/zero', pipe, empty, join(folder, 'none'), `${empty}/x`, 'a\u0301', sparse, shorter]),
    ).toEqual([
      ...Array(4).fill('MODEL_FILE_INVALID'),
      ...Array(3).fill('MODEL_FILE_MISSING'),
      // It opens, and then does not fit the 16 bytes that the script gives it.
      'INPUT_INVALID',
      'MODEL_FILE_INVALID',
    ]);
  });
});
