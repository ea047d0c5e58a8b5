import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import OpenAI from 'openai';
import type { PictureScheduler } from '../../src/ts/pipelines/scheduler/picture-scheduler.js';
import { Unclip } from '../../src/ts/pipelines/unclip.js';
import type { ServeConfig } from '../../src/ts/serve/config.js';
import { ImageServer } from '../../src/ts/serve/server.js';
import { makeTinyModel, type TinyModelOptions } from '../support/tiny-model.js';

/** Steps as few as they can be. */
export const DEFAULTS = {
  priorSteps: 2,
  decoderSteps: 3,
  superResSteps: 2,
  priorGuidanceScale: 2,
  decoderGuidanceScale: 2,
};

/** A loaded model of 32×32 pictures, and services of it. */
export class TestModel {
  readonly folder: string;
  readonly unclip: Unclip;
  readonly #servers: TestServer[] = [];

  private constructor(folder: string, unclip: Unclip) {
    this.folder = folder;
    this.unclip = unclip;
  }

  static async load(options: Pick<TinyModelOptions, 'pictures'> = {}): Promise<TestModel> {
    const folder = mkdtempSync(join(tmpdir(), 'unclip-serve-'));
    makeTinyModel(join(folder, 'model'), { ...options, info: { name: 'tiny', defaults: DEFAULTS } });
    return new TestModel(folder, await Unclip.load(join(folder, 'model'), { batchSize: 4, deterministic: true }));
  }

  /** @param pool that draws, else this process does */
  async serve(config: Partial<ServeConfig> = {}, pool?: PictureScheduler): Promise<TestServer> {
    const log = new PassThrough().setEncoding('utf8');
    // The machine that tests run on may be busy with other things.
    const quiet = { maxEventLoopDelayMs: 0, pageFolder: null, unfinishedFile: join(this.folder, 'unfinished') };
    const server = await ImageServer.create(this.unclip, { port: 0, logStream: log, ...quiet, ...config }, pool);
    const started = new TestServer(server, await server.listen(), log);
    this.#servers.push(started);
    return started;
  }

  async close(): Promise<void> {
    for (const server of this.#servers) await server.end();
    await this.unclip.dispose();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A service on a port of its own, with what it has logged. */
export class TestServer {
  readonly server: ImageServer;
  readonly url: string;
  log = '';
  #drained: ReturnType<ImageServer['drain']> | undefined;

  constructor(server: ImageServer, url: string, log: NodeJS.ReadableStream) {
    this.server = server;
    this.url = url;
    log.on('data', (text: string) => {
      this.log += text;
    });
  }

  /** The official client, which never tries again by itself. */
  client(apiKey = 'none'): OpenAI {
    return new OpenAI({ baseURL: `${this.url}/v1`, apiKey, maxRetries: 0 });
  }

  end(): ReturnType<ImageServer['drain']> {
    this.#drained ??= this.server.drain();
    return this.#drained;
  }

  /** One of the service's metrics; 0 where it has not been counted yet. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const line = text.split('\n').find((l) => l.startsWith(`${name} `));
    return line === undefined ? 0 : Number(line.slice(name.length + 1));
  }

  /** A metric over all of its labels. */
  async metricSum(name: string): Promise<number> {
    const text = await (await fetch(`${this.url}/metrics`)).text();
    const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`));
    return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Waits until a metric has a value. */
  async until(name: string, fits: (value: number) => boolean): Promise<void> {
    const begin = performance.now();
    while (!fits(await this.metric(name))) {
      if (performance.now() - begin > 60_000) throw new Error(`${name} is ${await this.metric(name)} after 60 s`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

export interface ErrorAnswer {
  readonly status: number;
  readonly error: { message: string; type: string; param: string | null; code: string | null };
}

/** Posts JSON and reads the error that comes back. Fails the test when the answer has not OpenAI's form. */
export async function refusal(url: string, body: unknown, init: RequestInit = {}): Promise<ErrorAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  });
  return { status: response.status, error: errorIn(await response.text()) };
}

/** The error object of a body. */
export function errorIn(text: string): ErrorAnswer['error'] {
  const json = JSON.parse(text) as { error: ErrorAnswer['error'] };
  const { error, ...others } = json;
  const fits =
    Object.keys(others).length === 0 &&
    Object.keys(error).sort().join() === 'code,message,param,type' &&
    typeof error.message === 'string' &&
    error.message.length > 0 &&
    typeof error.type === 'string' &&
    [error.param, error.code].every((value) => value === null || typeof value === 'string');
  if (!fits) throw new Error(`not an error of OpenAI's form: ${text}`);
  return error;
}
