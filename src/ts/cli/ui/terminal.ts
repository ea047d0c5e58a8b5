/** Where a command writes. The process's own streams, or a test's. */
export interface Terminal {
  readonly stdout: NodeJS.WritableStream;
  /** `isTTY` decides between bars and lines. */
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

/** What every command is given beside its own arguments. */
export interface CommandContext extends Terminal {
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

export const printLine = (stream: NodeJS.WritableStream, line = ''): void => {
  stream.write(`${line}\n`);
};

/** One JSON document, as `--json` prints it. */
export const printJson = (stream: NodeJS.WritableStream, value: unknown): void =>
  printLine(stream, JSON.stringify(value, null, 2));
