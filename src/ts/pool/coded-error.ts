import { type ErrorCode, UnclipError } from '../util/errors.js';

/** An error on its way between processes. */
export interface CodedError {
  /** Undefined: one that nobody foresaw. */
  readonly code: ErrorCode | undefined;
  readonly message: string;
  readonly stack: string | undefined;
}

export function packError(error: unknown): CodedError {
  const code = error instanceof UnclipError ? error.code : undefined;
  if (!(error instanceof Error)) return { code, message: String(error), stack: undefined };
  return { code, message: error.message, stack: error.stack };
}

/** The error as its receiver throws it; its stack is that of the other process. */
export function unpackError({ code, message, stack }: CodedError): Error {
  const error = code === undefined ? new Error(message) : new UnclipError(code, message);
  if (stack !== undefined) error.stack = stack;
  return error;
}
