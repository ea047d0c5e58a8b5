import { readFileSync } from 'node:fs';
import { UnclipError } from '../util/errors.js';

/** One tensor of a reference file. I64 becomes Float64Array (exact below 2^53), BOOL and U8 become Uint8Array. */
export interface GoldenTensor {
  readonly shape: number[];
  readonly data: Float32Array | Float64Array | Uint8Array;
}

/** A reference file, read whole. */
export interface GoldenFile {
  /** The `__metadata__` strings of the file (often JSON texts). */
  readonly metadata: Readonly<Record<string, string>>;
  readonly names: readonly string[];
  has(name: string): boolean;
  /** The named tensor. @throws UnclipError MODEL_TENSOR_MISSING */
  get(name: string): GoldenTensor;
  /** The named tensor's values as f32; throws when it has another dtype. */
  f32(name: string): Float32Array;
  /** The named tensor's values as plain numbers. */
  numbers(name: string): number[];
}

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

/**
 * Reads reference data in safetensors (F32, I64, BOOL, U8) in plain JavaScript, so that what checks the addon's reader does not
 * go through it.
 */
export function readGolden(path: string): GoldenFile {
  const file = readFileSync(path);
  const headerLength = Number(file.readBigUInt64LE(0));
  const parsed = JSON.parse(file.toString('utf8', 8, 8 + headerLength));
  const { __metadata__: metadata = {}, ...rest } = parsed as { __metadata__?: Record<string, string> } & Header;
  const tensors = rest as Header;
  const get = (name: string): GoldenTensor => {
    const entry = tensors[name];
    if (entry === undefined) throw new UnclipError('MODEL_TENSOR_MISSING', `${path} has no tensor ${name}`);
    const [from, to] = entry.data_offsets;
    // A copy starts at offset 0 of its own buffer, so typed views are aligned whatever the header's length.
    const bytes = Uint8Array.from(file.subarray(8 + headerLength + from, 8 + headerLength + to));
    const { dtype, shape } = entry;
    if (dtype === 'F32') return { shape, data: new Float32Array(bytes.buffer) };
    if (dtype === 'I64') return { shape, data: Float64Array.from(new BigInt64Array(bytes.buffer), Number) };
    if (dtype === 'BOOL' || dtype === 'U8') return { shape, data: bytes };
    throw new UnclipError(
      'MODEL_TENSOR_DTYPE',
      `${path}: tensor ${name} has dtype ${dtype}, reference files have F32, I64, BOOL, U8`,
    );
  };
  return {
    metadata,
    names: Object.keys(tensors),
    has: (name) => name in tensors,
    get,
    f32(name) {
      const { data } = get(name);
      if (!(data instanceof Float32Array))
        throw new UnclipError('MODEL_TENSOR_DTYPE', `${path}: tensor ${name} is not F32`);
      return data;
    },
    numbers: (name) => Array.from(get(name).data),
  };
}
