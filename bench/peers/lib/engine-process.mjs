import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const WORKER = fileURLToPath(new URL('../engines/worker.mjs', import.meta.url));

/** An engine in a process of its own: several WebGPU implementations in one process get in each other's way. */
export class EngineProcess {
  #options;
  #child;
  #waiting;
  #log = '';
  #ended;

  /** @param {string} name as in engines/worker.mjs @param {object} options what its `open` takes */
  constructor(name, options) {
    this.name = name;
    this.#options = options;
  }

  /** Starts the process and the engine in it. @returns {Promise<Omit<import('../engines/worker.mjs').Engine, 'prepare'>>} */
  start() {
    const { name } = this;
    this.#ended = undefined;
    this.#log = '';
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
    return this.call('open', this.#options);
  }

  /** Starts anew a process that has ended: one case that an engine dies of does not cost it the others. */
  async revive() {
    if (this.#ended !== undefined) await this.start();
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
    this.#child?.kill('SIGKILL');
  }
}
