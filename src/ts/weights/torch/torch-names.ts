import type { StoredDType } from '../../native/addon.js';
import { FormatError } from './format-error.js';
import { PickleGlobal, type PickleMap, PickleObject, PickleTuple } from './pickle-values.js';
import { makeTensor } from './torch-tensor.js';

const STORAGES: Readonly<Record<string, StoredDType>> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
};

/** What a call of an allowed name gives. */
type Call = (args: readonly unknown[]) => unknown;

const orderedDict: Call = ([pairs]) => {
  const map: PickleMap = new Map();
  if (pairs === undefined) return map;
  if (!Array.isArray(pairs)) throw new FormatError('it makes an OrderedDict of what are no pairs');
  for (const pair of pairs) {
    const items = pair instanceof PickleTuple ? pair.items : pair;
    if (!Array.isArray(items) || items.length !== 2)
      throw new FormatError('it makes an OrderedDict of what are no pairs');
    map.set(items[0], items[1]);
  }
  return map;
};

/** Its argument, a list or nothing, as a list. */
const collection: Call = ([items]) => (Array.isArray(items) ? items : []);
const first: Call = ([value]) => value;
/** A value that no tensor needs. */
const nothing: Call = () => null;

const CALLS: ReadonlyMap<string, Call> = new Map([
  ['collections.OrderedDict', orderedDict],
  ['torch._utils._rebuild_tensor', makeTensor],
  ['torch._utils._rebuild_tensor_v2', makeTensor],
  ['torch._utils._rebuild_parameter', first],
  ['torch._utils._rebuild_parameter_with_state', first],
  ['torch.Size', first],
  ['torch.device', nothing],
  ['torch.serialization._get_layout', nothing],
  ['_codecs.encode', first],
  ...['__builtin__', 'builtins'].flatMap((module): [string, Call][] => [
    [`${module}.set`, collection],
    [`${module}.frozenset`, collection],
  ]),
]);

/** Classes of whole modules: instances are their attributes, nothing else. */
const CLASSES: ReadonlySet<string> = new Set([
  'dall_e.encoder.Encoder',
  'dall_e.encoder.EncoderBlock',
  'dall_e.decoder.Decoder',
  'dall_e.decoder.DecoderBlock',
  'dall_e.utils.Conv2d',
]);
const TORCH_MODULE = /^torch\.nn\.modules\.[a-z_]+\.[A-Z][A-Za-z0-9]*$/;

/** E.g. torch.float16: a note of a config that is saved along. */
const TORCH_DTYPE = /^torch\.(b?float|int|uint)\d{1,2}$/;

const isStorage = (module: string, name: string): boolean =>
  (module === 'torch' || module === 'torch.cuda') && Object.hasOwn(STORAGES, name);

const isClass = (name: string): boolean => CLASSES.has(name) || TORCH_MODULE.test(name);

/** The element type of a storage class; undefined for anything else. */
export const storageDType = (type: unknown): StoredDType | undefined =>
  type instanceof PickleGlobal && isStorage(type.module, type.name) ? STORAGES[type.name] : undefined;

/**
 * A name that a checkpoint may hold, as data. All others are refused by name: what they would do is never looked at.
 * @throws FormatError
 */
export function allowedGlobal(module: string, name: string): PickleGlobal {
  const global = new PickleGlobal(module, name);
  const full = global.toString();
  if (CALLS.has(full) || isClass(full) || isStorage(module, name) || TORCH_DTYPE.test(full)) return global;
  throw new FormatError(
    `its pickle names ${JSON.stringify(full)}, which a checkpoint does not need and which may be harmful; nothing of the file was executed. If you trust it, load it in PyTorch and save its state_dict`,
  );
}

/** @throws FormatError where the name is no allowed function */
export function allowedCall(callable: PickleGlobal, args: readonly unknown[]): unknown {
  const call = CALLS.get(callable.toString());
  if (call === undefined) throw new FormatError(`its pickle calls ${callable}, which is not a function that is known`);
  return call(args);
}

/** cls.__new__(cls). @throws FormatError */
export function allowedInstance(type: PickleGlobal, args: readonly unknown[]): unknown {
  if (type.toString() === 'collections.OrderedDict') return orderedDict(args);
  if (!isClass(type.toString()))
    throw new FormatError(`its pickle makes an instance of ${type}, which is no class of a network`);
  return new PickleObject(type);
}
