import { PassThrough } from 'node:stream';
import { runCli } from '../../src/ts/cli/program.js';

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly signal?: AbortSignal;
  /** Called with everything written to stderr so far, at each write. */
  readonly onStderr?: (text: string) => void;
}

/** Runs a command line in this process, as the installed command does in its own. */
export async function unclip(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const text = { stdout: '', stderr: '' };
  const collect = (name: 'stdout' | 'stderr'): PassThrough => {
    const stream = new PassThrough();
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
      if (name === 'stderr') options.onStderr?.(text.stderr);
    });
    return stream;
  };
  const stdout = collect('stdout');
  const stderr = collect('stderr');
  const signal = options.signal ?? new AbortController().signal;
  const code = await runCli(args, { stdout, stderr, signal });
  return { code, ...text };
}

/** The one line of an error: its code and message. Fails the test when stderr holds more, or anything else. */
export function errorLine({ stderr }: CommandResult): { code: string; message: string } {
  const match = /^unclip: ([A-Z_]+): (.+)\n$/.exec(stderr);
  if (match === null) throw new Error(`stderr is not one error line:\n${stderr}`);
  return { code: match[1]!, message: match[2]! };
}
