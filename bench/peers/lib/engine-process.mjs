import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('../engines/worker.mjs', import.meta.url));

/** An engine in a process of its own: several WebGPU implementations in one process get in each other's way. */
export class EngineProcess {
  #child;
  #waiting;
  #log = '';
  #ended;

  /** @param {string} name as in engines/worker.mjs */
  constructor(name) {
    this.name = name;
    this.#child = fork(WORKER, [name], { serialization: 'advanced', stdio: ['ignore', 'pipe', 'pipe', 'ipc'] });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream.on('data', (text) => {
        this.#log = (this.#log + text).slice(-4000);
      });
    this.#child.on('message', ({ result, error }) => {
      const waiting = this.#waiting;
      this.#waiting = undefined;
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error));
    });
    this.#child.on('exit', (code, signal) => {
      this.#ended = `${name} ended (${signal ?? `exit code ${code}`}): ${this.#log.trim().split('\n').at(-1)}`;
      this.#waiting?.reject(new Error(this.#ended));
    });
  }

  /** What the process ended with, if it did. */
  get ended() {
    return this.#ended;
  }

  /** One request at a time. @param {'open' | 'forms' | 'prepare' | 'time' | 'release'} method @param {unknown} [argument] @param {number} [limitMs] */
  call(method, argument, limitMs = 300_000) {
    if (this.#ended !== undefined) return Promise.reject(new Error(this.#ended));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.kill();
        reject(new Error(`${this.name} did not answer within ${limitMs / 1000} s`));
      }, limitMs);
      const settle = (act) => (value) => {
        clearTimeout(timer);
        act(value);
      };
      this.#waiting = { resolve: settle(resolve), reject: settle(reject) };
      this.#child.send({ method, argument });
    });
  }

  kill() {
    this.#child.kill('SIGKILL');
  }
}
