/**
 * Stable error codes. A caller may branch on them; messages may be reworded.
 * One family per first word: INPUT (what a person typed), MODEL (a checkpoint folder), GPU (adapter and device), IO (disk).
 * CANCELLED, QUEUE_FULL and DEADLINE_EXCEEDED say that a request ended for no fault of its own; WORKER_DIED that processes ended
 * while they drew it, NO_WORKER that none can be kept alive.
 */
export type ErrorCode =
  | 'INPUT_INVALID'
  | 'INPUT_TOO_LARGE'
  | 'INPUT_PICTURE_INVALID'
  | 'MODEL_NOT_FOUND'
  | 'MODEL_FILE_MISSING'
  | 'MODEL_FILE_INVALID'
  | 'MODEL_CONFIG_INVALID'
  | 'MODEL_TENSOR_MISSING'
  | 'MODEL_TENSOR_SHAPE'
  | 'MODEL_TENSOR_DTYPE'
  | 'GPU_NO_ADAPTER'
  | 'GPU_FEATURE_MISSING'
  | 'GPU_OUT_OF_MEMORY'
  | 'GPU_LIMIT_EXCEEDED'
  | 'GPU_DEVICE_LOST'
  | 'GPU_SHADER_INVALID'
  | 'GRAPH_INVALID'
  | 'IO_NO_SPACE'
  | 'IO_FAILED'
  | 'NATIVE_ADDON_MISSING'
  | 'CANCELLED'
  | 'QUEUE_FULL'
  | 'DEADLINE_EXCEEDED'
  | 'WORKER_DIED'
  | 'NO_WORKER'
  | 'QUEUE_UNREACHABLE'
  | 'QUEUE_JOB_FAILED';

/** An error that a user of the library or the command line is meant to read: one line, and what to do about it. */
export class UnclipError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'UnclipError';
    this.code = code;
  }
}
