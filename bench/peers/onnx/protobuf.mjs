/**
 * The two wire types of Protocol Buffers that ONNX files need: varints and length-delimited fields
 * (protobuf.dev/programming-guides/encoding). Messages are built from inside out: a field returns its bytes.
 */

/** @param {number | bigint} value whole; negative ones take ten bytes, as int64 does */
export function varint(value) {
  const bytes = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

/** An int64, int32 or enum field. @param {number} field @param {number | bigint} value */
export const int = (field, value) => Buffer.concat([varint(field << 3), varint(value)]);

/** A float field. @param {number} field @param {number} value */
export function float(field, value) {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return Buffer.concat([varint((field << 3) | 5), bytes]);
}

/** A bytes, string or message field. @param {number} field @param {Uint8Array | string} value */
export function bytes(field, value) {
  const body = typeof value === 'string' ? Buffer.from(value, 'utf8') : value;
  return Buffer.concat([varint((field << 3) | 2), varint(body.byteLength), body]);
}

/** A message field out of its own fields. @param {number} field @param {readonly Uint8Array[]} fields */
export const message = (field, fields) => bytes(field, Buffer.concat(fields));
