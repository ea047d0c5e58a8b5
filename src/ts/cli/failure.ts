import { CommanderError } from 'commander';
import { UnclipError } from '../util/errors.js';
import { onOneLine } from './ui/format.js';
import { printLine } from './ui/terminal.js';

/** Exit codes: what a shell script may branch on. */
export const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** A command line that cannot be meant so: exit code 2. */
export class UsageError extends UnclipError {
  constructor(message: string) {
    super('INPUT_INVALID', message);
  }
}

/** Says that a command failed which has already printed why. */
export class ReportedFailure extends Error {}

/** Prints an error as one line, `unclip: CODE: message`, and returns the exit code. UNCLIP_DEBUG=1 adds the stack. */
export function reportFailure(error: unknown, stderr: NodeJS.WritableStream): number {
  if (error instanceof CommanderError) {
    // Commander reports `--help` and `--version` as errors too.
    if (error.exitCode === 0) return EXIT.ok;
    printLine(stderr, `unclip: INPUT_INVALID: ${onOneLine(error.message.replace(/^error: /, ''))}`);
    return EXIT.usage;
  }
  if (error instanceof ReportedFailure) return EXIT.failed;
  const known = error instanceof UnclipError;
  const message = error instanceof Error ? error.message : String(error);
  const hint = known ? '' : ' (not expected; UNCLIP_DEBUG=1 shows where)';
  printLine(stderr, `unclip: ${known ? error.code : 'INTERNAL'}: ${onOneLine(message)}${hint}`);
  if (process.env.UNCLIP_DEBUG === '1' && error instanceof Error) printLine(stderr, error.stack);
  if (known && error.code === 'CANCELLED') return EXIT.interrupted;
  return error instanceof UsageError ? EXIT.usage : EXIT.failed;
}
