import { Cursor, type FileBytes } from './file-bytes.js';
import { FormatError } from './format-error.js';
import { runPickle } from './pickle-machine.js';
import { PickleGlobal, type PickleRules, PickleTuple } from './pickle-values.js';
import { allowedCall, allowedGlobal, allowedInstance, storageDType } from './torch-names.js';
import { DTYPE_BYTES, makeStorage, type TorchStorage } from './torch-tensor.js';
import { readZipDirectory, type ZipEntry } from './zip-directory.js';

/** First number of a pre-zip file (torch/serialization.py, MAGIC_NUMBER). */
const MAGIC = 0x1950a86a20f9469cfc6cn;
const LEGACY_PROTOCOL = 1001;
const ZIP_SIGNATURE = 0x04034b50;

/**
 * What torch.save put into a file, as data: dicts, tensors, modules by name. Both of its formats are read, the zip archive
 * (since PyTorch 1.6) and the row of pickles before it. Tensors know where their bytes lie; none are read.
 * @throws FormatError
 */
export function readTorchArchive(file: FileBytes): unknown {
  if (file.size < 4) throw new FormatError('the file is too short to be a PyTorch file');
  if (file.read(0, 4).readUInt32LE() === ZIP_SIGNATURE) return readZip(file);
  return readLegacy(file);
}

/** A reference to a storage, as both formats write it. */
interface StorageReference {
  readonly key: string;
  readonly dtype: TorchStorage['dtype'];
  readonly length: number;
}

/** Rules of both formats; `locate` finds, or remembers, where a storage lies. */
const rules = (locate: (reference: StorageReference, extra: readonly unknown[]) => TorchStorage): PickleRules => ({
  global: allowedGlobal,
  call: allowedCall,
  create: allowedInstance,
  persistent(id) {
    if (!(id instanceof PickleTuple)) throw new FormatError('it refers to something that is no storage');
    const [kind, type, key, , length, ...extra] = id.items;
    // Pre-zip files of whole modules refer to classes so, their source text behind it.
    if (kind === 'module' && type instanceof PickleGlobal) return type;
    const dtype = storageDType(type);
    if (kind !== 'storage' || dtype === undefined)
      throw new FormatError(
        `it refers to ${kind === 'storage' ? 'a storage of an unknown type' : 'something that is no storage'}`,
      );
    if (
      typeof key !== 'string' ||
      key.length > 256 ||
      typeof length !== 'number' ||
      !Number.isSafeInteger(length) ||
      length < 0
    )
      throw new FormatError('it refers to a storage without a name or a length');
    return locate({ key, dtype, length }, extra);
  },
});

function readZip(file: FileBytes): unknown {
  const entries = readZipDirectory(file);
  const pickle = [...entries.values()].find(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  if (pickle === undefined) throw new FormatError('its archive has no data.pkl: it is no PyTorch checkpoint');
  const folder = pickle.name.slice(0, -'data.pkl'.length);
  const order = entries.get(`${folder}byteorder`);
  if (order !== undefined && textOf(file, order) !== 'little')
    throw new FormatError('its numbers are not little-endian');
  const storages = new Map<string, TorchStorage>();
  const locate = ({ key, dtype, length }: StorageReference): TorchStorage => {
    const id = `${dtype} ${length} ${key}`;
    const known = storages.get(id);
    if (known !== undefined) return known;
    const entry = entries.get(`${folder}data/${key}`);
    if (entry === undefined) throw new FormatError(`its archive lacks the storage ${JSON.stringify(key)}`);
    if (length > entry.size / DTYPE_BYTES[dtype])
      throw new FormatError(
        `its storage ${JSON.stringify(key)} has ${entry.size} bytes, too few for ${length} ${dtype}`,
      );
    const storage = makeStorage(key, dtype, length, entry.begin);
    storages.set(id, storage);
    return storage;
  };
  return runPickle(new Cursor(file, pickle.begin, pickle.begin + pickle.size), rules(locate));
}

const textOf = (file: FileBytes, entry: ZipEntry): string =>
  file.read(entry.begin, Math.min(entry.size, 16)).toString('latin1').trim();

function readLegacy(file: FileBytes): unknown {
  const cursor = new Cursor(file);
  const storages = new Map<string, TorchStorage>();
  const plain = rules(() => {
    throw new FormatError('its header refers to a storage');
  });
  if (cursor.byte() !== 0x80) throw new FormatError('it is neither a PyTorch file nor a safetensors file');
  cursor.position = 0;
  if (runPickle(cursor, plain) !== MAGIC) throw new FormatError('it is a pickle, but not one of PyTorch');
  if (runPickle(cursor, plain) !== LEGACY_PROTOCOL)
    throw new FormatError('it is of a version of PyTorch that is not known');
  const system = runPickle(cursor, plain);
  if (system instanceof Map && system.get('little_endian') === false)
    throw new FormatError('its numbers are not little-endian');
  const value = runPickle(
    cursor,
    rules(({ key, dtype, length }, [view]) => {
      if (view !== null && view !== undefined)
        throw new FormatError('a storage is a part of another, which is not supported');
      const known = storages.get(key);
      if (known !== undefined && (known.dtype !== dtype || known.length !== length))
        throw new FormatError(`its storage ${JSON.stringify(key)} has two types or lengths`);
      const storage = known ?? makeStorage(key, dtype, length, Number.NaN);
      storages.set(key, storage);
      return storage;
    }),
  );
  placeStorages(file, cursor, runPickle(cursor, plain), storages);
  return value;
}

/** After the pickles: for each key its length and its elements. */
function placeStorages(
  file: FileBytes,
  cursor: Cursor,
  keys: unknown,
  storages: ReadonlyMap<string, TorchStorage>,
): void {
  if (!Array.isArray(keys)) throw new FormatError('it has no list of storages');
  for (const key of keys) {
    const storage = storages.get(String(key));
    if (storage === undefined) throw new FormatError('it lists a storage that nothing refers to');
    if (cursor.uint64() !== storage.length) throw new FormatError(`its storage ${JSON.stringify(key)} has two lengths`);
    const bytes = storage.length * DTYPE_BYTES[storage.dtype];
    if (bytes > file.size - cursor.position) throw new FormatError('it ends too early; the file may be truncated');
    storage.begin = cursor.position;
    cursor.position += bytes;
  }
  for (const { key, begin } of storages.values())
    if (Number.isNaN(begin)) throw new FormatError(`its storage ${JSON.stringify(key)} is not in the file`);
}
