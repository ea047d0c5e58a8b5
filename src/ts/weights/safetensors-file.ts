import { addon } from '../native/addon.js';
import { withSubject } from '../native/errors.js';
import { TensorFile } from './tensor-file.js';

/** One mapped safetensors file, its header checked. Its tensors are in the order of their bytes. */
export class SafetensorsFile extends TensorFile {
  /** `__metadata__` of the header. */
  readonly metadata: ReadonlyMap<string, string>;

  /**
   * @throws UnclipError MODEL_FILE_MISSING, MODEL_FILE_INVALID (which rule of the format is broken) or IO_FAILED
   */
  constructor(path: string) {
    const native = withSubject(path, () => new (addon().TensorFile)(path));
    super(path, native, native.tensors());
    this.metadata = new Map(native.metadata());
  }
}
