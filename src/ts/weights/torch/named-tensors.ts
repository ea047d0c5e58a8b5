import { FormatError } from './format-error.js';
import { PickleObject } from './pickle-values.js';
import { isTorchTensor, type TorchTensor } from './torch-tensor.js';

/** Where training scripts put the state dict among other things. */
const WRAPPERS = ['state_dict', 'model_state_dict', 'model', 'module'];
const MAX_DEPTH = 64;
/** More tensors, or modules, than any network has; and longer names. */
const MAX_VISITS = 200_000;
const MAX_NAME = 1024;

/**
 * The tensors of what a checkpoint's pickle holds, by their names in a state dict: of a state dict, of one that lies in a dict
 * under a usual name, or of a whole torch.nn.Module (its _parameters and _buffers, and those of its _modules).
 * @throws FormatError where there are none
 */
export function namedTensors(value: unknown): Map<string, TorchTensor> {
  const collector = new Collector();
  if (value instanceof PickleObject) collector.module(value, '', 0);
  else if (value instanceof Map) collector.dict(stateDict(value));
  if (collector.tensors.size === 0)
    throw new FormatError('it holds no tensors by name: neither a state dict nor a module');
  return collector.tensors;
}

/** The dict itself where tensors are in it, else the one within it that a wrapper names. */
function stateDict(dict: ReadonlyMap<unknown, unknown>): ReadonlyMap<unknown, unknown> {
  if ([...dict.values()].some(isTorchTensor)) return dict;
  const inner = WRAPPERS.map((key) => dict.get(key)).find((item) => item instanceof Map);
  return inner instanceof Map ? inner : dict;
}

class Collector {
  readonly tensors = new Map<string, TorchTensor>();
  #visits = 0;

  /** Values that are no tensors (a step count, a config) are left out. */
  dict(dict: ReadonlyMap<unknown, unknown>): void {
    for (const [name, value] of dict) if (typeof name === 'string' && isTorchTensor(value)) this.#add(name, value);
  }

  module(module: PickleObject, prefix: string, depth: number): void {
    // Also what keeps a module that contains itself from going on for ever.
    if (depth > MAX_DEPTH) throw new FormatError('its modules are nested too deeply');
    this.#count();
    for (const key of ['_parameters', '_buffers']) {
      for (const [name, value] of this.#entries(module, key)) if (isTorchTensor(value)) this.#add(prefix + name, value);
    }
    for (const [name, child] of this.#entries(module, '_modules'))
      if (child instanceof PickleObject) this.module(child, `${prefix}${name}.`, depth + 1);
  }

  *#entries(module: PickleObject, key: string): Generator<[string, unknown]> {
    const part = module.state.get(key);
    if (!(part instanceof Map)) return;
    for (const [name, value] of part) {
      this.#count();
      if (typeof name === 'string') yield [name, value];
    }
  }

  #add(name: string, tensor: TorchTensor): void {
    if (name.length > MAX_NAME) throw new FormatError('a tensor has a name of more than 1024 characters');
    this.tensors.set(name, tensor);
  }

  #count(): void {
    if (++this.#visits > MAX_VISITS) throw new FormatError('it has more modules and tensors than any network');
  }
}
