import { elementCount } from '../../graph/types.js';
import { addon, type NativeTensorFile } from '../../native/addon.js';
import { withSubject } from '../../native/errors.js';
import { UnclipError } from '../../util/errors.js';
import { type Placed, TensorFile } from '../tensor-file.js';
import { readTorchArchive } from './archive.js';
import { FileBytes } from './file-bytes.js';
import { namedTensors } from './named-tensors.js';
import { DTYPE_BYTES, gather, isContiguous, reach, type TorchTensor } from './torch-tensor.js';

/**
 * A file of torch.save, in its zip or in its older format: a state dict, or a whole module. Tensors are read from the mapped
 * file where they lie; only one that is a strided view is gathered first, each time that it is asked for. Nothing of the
 * file is executed, and only names that a checkpoint needs are accepted in it.
 */
export class TorchFile extends TensorFile {
  readonly #bytes: FileBytes;
  readonly #views: ReadonlyMap<string, TorchTensor>;

  /** @throws UnclipError MODEL_FILE_MISSING, MODEL_FILE_INVALID (which rule is broken, which name is refused) or IO_FAILED */
  constructor(path: string) {
    const bytes = openBytes(path);
    try {
      const tensors = withSubject(path, () => namedTensors(readTorchArchive(bytes)));
      const views = new Map([...tensors].filter(([, tensor]) => !isContiguous(tensor)));
      // A strided view has no bytes of its own in the file: they are found when it is read.
      const entries = [...tensors].map(([name, t]) => ({
        name,
        dtype: t.storage.dtype,
        shape: views.has(name) ? [0] : t.shape,
        begin: t.storage.begin + t.offset * DTYPE_BYTES[t.storage.dtype],
      }));
      const native = withSubject(path, () => new (addon().TensorFile)(path, entries));
      const infos = native.tensors().map((info) => {
        const view = views.get(info.name);
        if (view === undefined) return info;
        const bytes = elementCount(view.shape) * DTYPE_BYTES[info.dtype];
        return { ...info, shape: [...view.shape], bytes };
      });
      super(path, native, infos);
      this.#bytes = bytes;
      this.#views = views;
    } catch (error) {
      bytes.close();
      throw error;
    }
  }

  override close(): void {
    super.close();
    this.#bytes.close();
  }

  protected override at(name: string): Placed {
    const placed = super.at(name);
    const view = this.#views.get(name);
    return view === undefined ? placed : { native: this.#gathered(name, view), index: 0 };
  }

  #gathered(name: string, view: TorchTensor): NativeTensorFile {
    const { dtype, begin } = view.storage;
    const size = DTYPE_BYTES[dtype];
    return withSubject(this.path, () => {
      const bytes = gather(view, this.#bytes.read(begin + view.offset * size, reach(view) * size));
      return new (addon().TensorFile)(bytes, [{ name, dtype, shape: [...view.shape], begin: 0 }]);
    });
  }
}

function openBytes(path: string): FileBytes {
  try {
    return withSubject(path, () => new FileBytes(path));
  } catch (cause) {
    if (cause instanceof UnclipError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing) throw new UnclipError('MODEL_FILE_MISSING', `${path}: the file does not exist`, { cause });
    throw new UnclipError('IO_FAILED', `${path}: the file cannot be read: ${(cause as Error).message}`, { cause });
  }
}
