/** A tensor as a safetensors file stores it. */
export interface TensorBytes {
  /** `F32`, `I64`, … */
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Little-endian, in PyTorch's order. */
  readonly data: Uint8Array;
}

/** An F32 tensor of these values. */
export function f32Bytes(shape: readonly number[], values: ArrayLike<number>): TensorBytes {
  return { dtype: 'F32', shape, data: new Uint8Array(Float32Array.from(values).buffer) };
}

/**
 * A safetensors file of these tensors, back to back in the order given, after a header that ends at a multiple of 8 bytes as the
 * format's own writer leaves it.
 */
export function safetensorsBytes(
  tensors: Readonly<Record<string, TensorBytes>>,
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  let offset = 0;
  const header: Record<string, unknown> = metadata === undefined ? {} : { __metadata__: metadata };
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + data.byteLength] };
    offset += data.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const text = Buffer.concat([json, Buffer.alloc(-json.length & 7, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, ...Object.values(tensors).map((t) => t.data)]);
}
