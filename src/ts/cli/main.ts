#!/usr/bin/env node
import { UnclipError } from '../util/errors.js';
import { EXIT } from './failure.js';
import { runCli } from './program.js';

const interrupt = new AbortController();
process.on('SIGINT', () => {
  // Files appear whole or not at all, so the second Ctrl-C may leave at once.
  if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
  interrupt.abort(new UnclipError('CANCELLED', 'interrupted'));
});
// `unclip … | head`: whoever read the output has gone.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

const code = await runCli(process.argv.slice(2), {
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
});
process.exitCode = code;
// Work that cannot be stopped, such as opening a model, may still be under way.
if (code === EXIT.interrupted) process.exit(code);
