/** A field of a Protocol Buffers message: a number, or bytes that may be a string or a message of their own. */
export interface Field {
  readonly number: number;
  readonly value: bigint | Buffer;
}

/** Reads a message's fields, knowing nothing of what they mean: the writer's opposite, written apart from it. */
export function fieldsOf(bytes: Buffer): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = key >> 3;
    if ((key & 7) === 0) fields.push({ number, value: varint() });
    else {
      const length = (key & 7) === 5 ? 4 : Number(varint());
      fields.push({ number, value: bytes.subarray(at, at + length) });
      at += length;
    }
  }
  return fields;
}

const all = (fields: readonly Field[], number: number): Buffer[] =>
  fields.filter((f) => f.number === number).map((f) => f.value as Buffer);
const texts = (fields: readonly Field[], number: number): string[] => all(fields, number).map(String);
const int = (fields: readonly Field[], number: number): number =>
  Number(fields.find((f) => f.number === number)?.value ?? 0);

export interface OnnxNode {
  readonly op: string;
  readonly domain: string;
  readonly inputs: string[];
  readonly outputs: string[];
  /** Numbers, lists of numbers, or strings by attribute name. */
  readonly attributes: Record<string, number | string | number[]>;
}

export interface OnnxTensor {
  readonly name: string;
  readonly shape: number[];
  readonly data: number[];
}

/** What the tests look at of an ONNX file (field numbers of onnx.proto3). */
export interface OnnxFile {
  readonly irVersion: number;
  readonly opsets: Record<string, number>;
  readonly nodes: OnnxNode[];
  readonly constants: Record<string, OnnxTensor>;
  readonly inputs: Record<string, number[]>;
  readonly outputs: Record<string, number[]>;
}

export function readOnnx(file: Buffer): OnnxFile {
  const model = fieldsOf(file);
  const graph = fieldsOf(all(model, 7)[0]!);
  return {
    irVersion: int(model, 1),
    opsets: Object.fromEntries(
      all(model, 8)
        .map(fieldsOf)
        .map((f) => [texts(f, 1)[0], int(f, 2)]),
    ),
    nodes: all(graph, 1).map(fieldsOf).map(nodeOf),
    constants: Object.fromEntries(
      all(graph, 5)
        .map(fieldsOf)
        .map(tensorOf)
        .map((t) => [t.name, t]),
    ),
    inputs: shapesOf(all(graph, 11)),
    outputs: shapesOf(all(graph, 12)),
  };
}

function nodeOf(fields: Field[]): OnnxNode {
  const attributes = all(fields, 5)
    .map(fieldsOf)
    .map((a) => {
      const kind = int(a, 20);
      if (kind === 1) return [texts(a, 1)[0], all(a, 2)[0]!.readFloatLE()];
      if (kind === 3) return [texts(a, 1)[0], texts(a, 4)[0]];
      const ints = a
        .filter((f) => f.number === (kind === 2 ? 3 : 8))
        .map((f) => Number(BigInt.asIntN(64, f.value as bigint)));
      return [texts(a, 1)[0], kind === 2 ? ints[0] : ints];
    });
  return {
    op: texts(fields, 4)[0]!,
    domain: texts(fields, 7)[0] ?? '',
    inputs: texts(fields, 1),
    outputs: texts(fields, 2),
    attributes: Object.fromEntries(attributes),
  };
}

function tensorOf(fields: Field[]): OnnxTensor {
  const raw = all(fields, 9)[0]!;
  const buffer = raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.length) as ArrayBuffer;
  const data =
    int(fields, 2) === 7 ? Array.from(new BigInt64Array(buffer), Number) : Array.from(new Float32Array(buffer));
  return { name: texts(fields, 8)[0]!, shape: fields.filter((f) => f.number === 1).map((f) => Number(f.value)), data };
}

function shapesOf(infos: Buffer[]): Record<string, number[]> {
  const shapes = infos.map(fieldsOf).map((info) => {
    const tensor = fieldsOf(all(fieldsOf(all(info, 2)[0]!), 1)[0]!);
    const dims = all(fieldsOf(all(tensor, 2)[0]!), 1).map((d) => int(fieldsOf(d), 1));
    return [texts(info, 1)[0], dims];
  });
  return Object.fromEntries(shapes);
}
