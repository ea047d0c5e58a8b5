// A running `unclip serve` in a process of its own, and what it says of itself.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** As it was before this process opened a device, which may point its own environment to a private driver. */
const ENVIRONMENT = { ...process.env };

export class Service {
  #child;
  #closed;

  constructor(child, url) {
    this.#child = child;
    this.#closed = new Promise((resolve) => child.once('close', resolve));
    this.url = url;
  }

  /** @param {string[]} args of `unclip serve` */
  static start(args) {
    const child = spawn(process.execPath, [MAIN, 'serve', '--port', '0', '--log-level', 'silent', ...args], {
      env: ENVIRONMENT,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let text = '';
    return new Promise((resolve, reject) => {
      child.stderr.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
        const [, url] = /^serving .* at (\S+)\/v1 on /m.exec(text) ?? [];
        if (url !== undefined) resolve(new Service(child, url));
      });
      child.once('close', (code) => reject(new Error(`unclip serve ended with ${code}: ${text}`)));
    });
  }

  /**
   * Asks for pictures.
   * @returns {Promise<{ status: number, ms: number }>} status and the time until the whole answer was there
   */
  async draw(body) {
    const begin = performance.now();
    const response = await fetch(`${this.url}/v1/images/generations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    await response.arrayBuffer();
    return { status: response.status, ms: performance.now() - begin };
  }

  /** Samples of the service's metrics by name with labels. */
  async metrics() {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const samples = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(
      samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
    );
  }

  async stop() {
    this.#child.kill('SIGTERM');
    await this.#closed;
  }
}

/** Mean pictures in a step's batch between two states of the metrics. */
export function meanBatch(before, after) {
  let [batches, pictures] = [0, 0];
  for (const [name, value] of after) {
    const [, batch] = /^unclip_steps_total\{.*batch="(\d+)"/.exec(name) ?? [];
    if (batch === undefined) continue;
    const count = value - (before.get(name) ?? 0);
    batches += count;
    pictures += count * Number(batch);
  }
  return batches === 0 ? 0 : pictures / batches;
}
