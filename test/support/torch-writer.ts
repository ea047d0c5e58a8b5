/** A zip archive whose entries are stored, as torch.save writes it; `method` and `extra` are for archives that are odd. */
export function zipBytes(
  entries: Readonly<Record<string, Uint8Array>>,
  o: { readonly method?: number; readonly zip64?: boolean } = {},
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  const add = (list: Buffer[], ...pieces: Uint8Array[]): void => {
    list.push(...pieces.map((piece) => Buffer.from(piece)));
  };
  for (const [text, data] of Object.entries(entries)) {
    const name = Buffer.from(text);
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(o.method ?? 0, 8);
    local.writeUInt32LE(data.length, 18);
    local.writeUInt32LE(data.length, 22);
    local.writeUInt16LE(name.length, 26);
    const extra = o.zip64 ? zip64Field(data.length, offset) : Buffer.alloc(0);
    const central = Buffer.alloc(46);
    central.writeUInt32LE(0x02014b50, 0);
    central.writeUInt16LE(o.method ?? 0, 10);
    central.writeUInt32LE(o.zip64 ? 0xffffffff : data.length, 20);
    central.writeUInt32LE(o.zip64 ? 0xffffffff : data.length, 24);
    central.writeUInt16LE(name.length, 28);
    central.writeUInt16LE(extra.length, 30);
    central.writeUInt32LE(o.zip64 ? 0xffffffff : offset, 42);
    add(parts, local, name, data);
    add(directory, central, name, extra);
    offset += local.length + name.length + data.length;
  }
  const listing = Buffer.concat(directory);
  return Buffer.concat([...parts, listing, ...endRecords(offset, listing.length, o.zip64 ?? false)]);
}

/** Sizes and offset in 64 bits (APPNOTE.TXT 4.5.3). */
function zip64Field(size: number, offset: number): Buffer {
  const field = Buffer.alloc(28);
  field.writeUInt16LE(1, 0);
  field.writeUInt16LE(24, 2);
  field.writeBigUInt64LE(BigInt(size), 4);
  field.writeBigUInt64LE(BigInt(size), 12);
  field.writeBigUInt64LE(BigInt(offset), 20);
  return field;
}

function endRecords(offset: number, size: number, zip64: boolean): Buffer[] {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt32LE(zip64 ? 0xffffffff : size, 12);
  end.writeUInt32LE(zip64 ? 0xffffffff : offset, 16);
  if (!zip64) return [end];
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(BigInt(size), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(offset + size), 8);
  return [record, locator, end];
}

/** Pieces of a pickle of protocol 2. */
export const pickle = {
  global: (module: string, name: string): Buffer => Buffer.from(`c${module}\n${name}\n`, 'latin1'),
  text: (value: string): Buffer => {
    const bytes = Buffer.from(value);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([Buffer.from('X'), length, bytes]);
  },
  int: (value: number): Buffer => {
    const bytes = Buffer.from('J\0\0\0\0');
    bytes.writeInt32LE(value, 1);
    return bytes;
  },
  tuple: (...items: Uint8Array[]): Buffer => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]),
  call: (callable: Uint8Array, ...args: Uint8Array[]): Buffer =>
    Buffer.concat([callable, pickle.tuple(...args), Buffer.from('R')]),
  dict: (...keysAndValues: Uint8Array[]): Buffer =>
    Buffer.concat([Buffer.from('}('), ...keysAndValues, Buffer.from('u')]),
  storage: (type: string, key: string, length: number): Buffer =>
    Buffer.concat([
      pickle.tuple(
        pickle.text('storage'),
        pickle.global('torch', type),
        pickle.text(key),
        pickle.text('cpu'),
        pickle.int(length),
      ),
      Buffer.from('Q'),
    ]),
  tensor: (storage: Uint8Array, offset: number, shape: readonly number[], strides: readonly number[]): Buffer =>
    pickle.call(
      pickle.global('torch._utils', '_rebuild_tensor_v2'),
      storage,
      pickle.int(offset),
      pickle.tuple(...shape.map(pickle.int)),
      pickle.tuple(...strides.map(pickle.int)),
      Buffer.from([0x89]),
      pickle.call(pickle.global('collections', 'OrderedDict')),
    ),
};

/** An archive of torch.save with this value and these storages. */
export const torchBytes = (
  value: Uint8Array,
  storages: Readonly<Record<string, Uint8Array>> = {},
  o: Parameters<typeof zipBytes>[1] = {},
): Buffer =>
  zipBytes(
    {
      'archive/data.pkl': Buffer.concat([Buffer.from([0x80, 2]), value, Buffer.from('.')]),
      ...Object.fromEntries(Object.entries(storages).map(([key, bytes]) => [`archive/data/${key}`, bytes])),
    },
    o,
  );
