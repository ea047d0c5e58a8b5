/** A file that breaks its format's rules; `withSubject` adds which file and makes an UnclipError of it. */
export class FormatError extends Error {
  readonly code = 'MODEL_FILE_INVALID';
}
