import { writeFileSync } from 'node:fs';
import { f32Bytes, safetensorsBytes, type TensorBytes } from '../../src/ts/weights/safetensors-bytes.js';

export { f32Bytes as f32Tensor, safetensorsBytes, type TensorBytes as TensorToWrite };

/** A file with this header text, whatever it says. */
export function withHeader(header: string | Uint8Array, data: Uint8Array, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? Buffer.from(header) : header;
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(text.length));
  return Buffer.concat([prefix, text, data]);
}

export function writeSafetensors(path: string, tensors: Record<string, TensorBytes>): void {
  writeFileSync(path, safetensorsBytes(tensors));
}
