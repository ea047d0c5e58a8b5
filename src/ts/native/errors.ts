import { type ErrorCode, UnclipError } from '../util/errors.js';

const CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'MODEL_FILE_MISSING',
  'MODEL_FILE_INVALID',
  'IO_FAILED',
  'INPUT_INVALID',
  'INPUT_TOO_LARGE',
]);

/**
 * Runs `call` into the addon; an error of its with a stable code becomes an UnclipError whose message starts with `subject`.
 * Other errors pass through as they are.
 */
export function withSubject<R>(subject: string, call: () => R): R {
  try {
    return call();
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (typeof code !== 'string' || !CODES.has(code)) throw cause;
    throw new UnclipError(code as ErrorCode, `${subject}: ${(cause as Error).message}`, { cause });
  }
}
