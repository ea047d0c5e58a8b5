import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { callersEnvironment } from '../gpu/driver-env.js';
import { packageRoot } from '../util/package-root.js';
import type { FromWorker, ToWorker } from './messages.js';

/** The built program of a worker. */
const PROGRAM = join(packageRoot(), 'dist', 'pool', 'worker', 'main.js');

/** How long a process that was told to end may take, and the rest of what it said before its end, milliseconds. */
const CLOSE_MS = 10_000;
const LAST_WORDS_MS = 1000;

/** One worker process, as its parent sees it. */
export class WorkerProcess {
  readonly #child: ChildProcess;
  readonly #ended: Promise<string>;

  /**
   * @param environment variables beside those that the caller's process was started with
   * @param hear called with all that it says, and never after {@link ended}
   */
  constructor(environment: Readonly<Record<string, string>>, hear: (message: FromWorker) => void) {
    this.#child = fork(PROGRAM, {
      env: { ...callersEnvironment(), ...environment },
      // Typed arrays arrive as such.
      serialization: 'advanced',
      // A debugger has one process.
      execArgv: process.execArgv.filter((argument) => !argument.startsWith('--inspect')),
      // What drivers print goes where people look for it; the caller's output may be data.
      stdio: ['ignore', 2, 2, 'ipc'],
    });
    this.#child.on('message', hear);
    this.#ended = endOf(this.#child);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Resolves to how it ended, in words, when everything that it said before was heard. */
  get ended(): Promise<string> {
    return this.#ended;
  }

  /** A process that has ended hears nothing; {@link ended} says so. */
  send(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Ends it in order; by force when that takes too long. */
  async close(): Promise<void> {
    this.send({ type: 'close' });
    const timer = setTimeout(() => this.kill(), CLOSE_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}

async function endOf(child: ChildProcess): Promise<string> {
  const exit = new Promise<string>((resolve) => {
    child.once('exit', (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
    child.on('error', (error) => resolve(error.message));
  });
  // The pipe may still hold what it said before its end.
  const silence = new Promise<void>((resolve) => child.once('disconnect', resolve));
  const how = await exit;
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([silence, new Promise((resolve) => (timer = setTimeout(resolve, LAST_WORDS_MS)))]);
  clearTimeout(timer);
  child.removeAllListeners('message');
  return how;
}
