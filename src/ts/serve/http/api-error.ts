import { type ErrorCode, UnclipError } from '../../util/errors.js';

/** Kinds of errors in OpenAI's API. */
export type ErrorType = 'invalid_request_error' | 'rate_limit_error' | 'server_error';

export interface ApiErrorOptions {
  /** Field of the request that is wrong. */
  readonly param?: string;
  readonly code?: string;
  readonly type?: ErrorType;
  /** Seconds after which it may work. */
  readonly retryAfter?: number;
  readonly cause?: unknown;
}

/** What a client is told of a failure: a status code, and OpenAI's error object. */
export class ApiError extends Error {
  readonly statusCode: number;
  readonly type: ErrorType;
  readonly param: string | null;
  /** Named `reason` here since Fastify writes its own `code` into errors that have none. */
  readonly reason: string | null;
  readonly retryAfter: number | undefined;

  constructor(statusCode: number, message: string, options: ApiErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.name = 'ApiError';
    this.statusCode = statusCode;
    this.type = options.type ?? (statusCode < 500 ? 'invalid_request_error' : 'server_error');
    this.param = options.param ?? null;
    this.reason = options.code ?? null;
    this.retryAfter = options.retryAfter;
  }

  /** OpenAI's error object, as it stands in a body or in a server-sent event. */
  get body(): ErrorBody {
    return { error: { message: this.message, type: this.type, param: this.param, code: this.reason } };
  }
}

export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

interface Answer {
  readonly status: number;
  readonly type: ErrorType;
  readonly code: string | null;
  /** What is said. Undefined: the error's own message, which then speaks of the request alone. */
  readonly message?: string;
}

const refused = (code: string): Answer => ({ status: 400, type: 'invalid_request_error', code });

/** What OpenAI answers when it cannot say more. Paths and causes stay in the log. */
const INTERNAL: Answer = {
  status: 500,
  type: 'server_error',
  code: 'internal_error',
  message: 'The server had an error while processing your request.',
};

/** A client that has gone away hears nothing; the status, nginx's, is for the log. */
const GONE: Answer = {
  status: 499,
  type: 'invalid_request_error',
  code: 'request_cancelled',
  message: 'The request was cancelled.',
};

const busy = (code: string, message: string): Answer => ({ status: 503, type: 'server_error', code, message });

/** How the library's errors are answered. */
const ANSWERS: Readonly<Record<ErrorCode, Answer>> = {
  INPUT_INVALID: refused('invalid_value'),
  INPUT_TOO_LARGE: refused('input_too_large'),
  INPUT_PICTURE_INVALID: refused('invalid_image_file'),
  MODEL_NOT_FOUND: INTERNAL,
  MODEL_FILE_MISSING: INTERNAL,
  MODEL_FILE_INVALID: INTERNAL,
  MODEL_CONFIG_INVALID: INTERNAL,
  MODEL_TENSOR_MISSING: INTERNAL,
  MODEL_TENSOR_SHAPE: INTERNAL,
  MODEL_TENSOR_DTYPE: INTERNAL,
  GPU_NO_ADAPTER: INTERNAL,
  GPU_FEATURE_MISSING: INTERNAL,
  GPU_OUT_OF_MEMORY: busy('out_of_memory', 'The GPU has no memory left for this request. Ask for less, or later.'),
  GPU_LIMIT_EXCEEDED: INTERNAL,
  GPU_DEVICE_LOST: busy('device_lost', 'The GPU was lost while this request was under way. Try again.'),
  GPU_SHADER_INVALID: INTERNAL,
  GRAPH_INVALID: INTERNAL,
  IO_NO_SPACE: busy('no_space', 'The server has no room left to keep pictures. Ask for b64_json, or later.'),
  IO_FAILED: INTERNAL,
  NATIVE_ADDON_MISSING: INTERNAL,
  CANCELLED: GONE,
  QUEUE_FULL: {
    status: 429,
    type: 'rate_limit_error',
    code: 'queue_full',
    message: 'Too many pictures are waiting to be drawn. Try again later.',
  },
  DEADLINE_EXCEEDED: {
    status: 504,
    type: 'server_error',
    code: 'deadline_exceeded',
    message: 'The pictures were not finished in time.',
  },
  WORKER_DIED: INTERNAL,
  NO_WORKER: busy('no_worker', 'No process can draw pictures just now. Try again later.'),
  QUEUE_UNREACHABLE: INTERNAL,
  QUEUE_JOB_FAILED: INTERNAL,
};

/** Any error as a client is told of it. @param retryAfter seconds, for errors that pass */
export function apiError(error: unknown, retryAfter?: number): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof UnclipError) return answered(ANSWERS[error.code], error, retryAfter);
  const { statusCode, message } = error as { statusCode?: unknown; message?: unknown };
  // Fastify's own refusals: a body that is too large, broken JSON, a media type that nobody reads.
  if (typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500)
    return new ApiError(statusCode, String(message), { cause: error });
  return answered(INTERNAL, error);
}

function answered({ status, type, code, message }: Answer, cause: unknown, retryAfter?: number): ApiError {
  const passes = status === 429 || status === 503;
  return new ApiError(status, message ?? (cause as Error).message, {
    type,
    code: code ?? undefined,
    retryAfter: passes ? (retryAfter ?? 1) : undefined,
    cause,
  });
}
