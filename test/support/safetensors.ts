import { readFileSync } from 'node:fs';

/** One tensor of a test file. I64 becomes Int32Array (all test values fit), BOOL and U8 become Uint8Array. */
export interface TestTensor {
  shape: number[];
  data: Float32Array | Int32Array | Uint8Array;
}

export interface TestTensors {
  /** The `__metadata__` strings of the file (often JSON texts). */
  metadata: Record<string, string>;
  names: string[];
  /** The named tensor; throws when the file has none of that name. */
  get(name: string): TestTensor;
  /** The named tensor's values as f32; throws when it has another dtype. */
  f32(name: string): Float32Array;
  /** The named tensor's values as plain numbers. */
  numbers(name: string): number[];
}

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

/** Reads a whole safetensors file (F32, I64, BOOL, U8). For tests only: no bounds are checked. */
export function readSafetensors(path: string): TestTensors {
  const file = readFileSync(path);
  const headerLength = Number(file.readBigUInt64LE(0));
  const parsed = JSON.parse(file.toString('utf8', 8, 8 + headerLength));
  const { __metadata__: metadata = {}, ...header } = parsed as { __metadata__?: Record<string, string> } & Header;
  const tensors = header as Header;
  const get = (name: string): TestTensor => {
    const entry = tensors[name];
    if (entry === undefined) throw new Error(`${path} has no tensor ${name}`);
    const [from, to] = entry.data_offsets;
    // A copy starts at offset 0 of its own buffer, so typed views are aligned whatever the header's length.
    const bytes = Uint8Array.from(file.subarray(8 + headerLength + from, 8 + headerLength + to));
    const { dtype, shape } = entry;
    if (dtype === 'F32') return { shape, data: new Float32Array(bytes.buffer) };
    if (dtype === 'I64') return { shape, data: Int32Array.from(new BigInt64Array(bytes.buffer), Number) };
    if (dtype === 'BOOL' || dtype === 'U8') return { shape, data: bytes };
    throw new Error(`${path}: tensor ${name} has dtype ${dtype}, which this reader lacks`);
  };
  return {
    metadata,
    names: Object.keys(tensors),
    get,
    f32(name) {
      const { data } = get(name);
      if (!(data instanceof Float32Array)) throw new Error(`${path}: tensor ${name} is not F32`);
      return data;
    },
    numbers: (name) => Array.from(get(name).data),
  };
}
