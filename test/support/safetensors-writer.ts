import { writeFileSync } from 'node:fs';

export interface TensorToWrite {
  dtype: string;
  shape: number[];
  data: Uint8Array;
}

/** A safetensors file of these tensors, back to back. */
export function safetensorsBytes(
  tensors: Record<string, TensorToWrite>,
  metadata?: Record<string, string>,
): Uint8Array {
  let offset = 0;
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  return withHeader(JSON.stringify(header), Buffer.concat(Object.values(tensors).map((t) => t.data)));
}

/** A file with this header text, whatever it says. */
export function withHeader(header: string | Uint8Array, data: Uint8Array, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? Buffer.from(header) : header;
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(text.length));
  return Buffer.concat([prefix, text, data]);
}

export function writeSafetensors(path: string, tensors: Record<string, TensorToWrite>): void {
  writeFileSync(path, safetensorsBytes(tensors));
}

/** An F32 tensor of these values. */
export function f32Tensor(shape: number[], values: ArrayLike<number>): TensorToWrite {
  return { dtype: 'F32', shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}
