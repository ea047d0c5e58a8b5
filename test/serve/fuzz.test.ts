import { connect } from 'node:net';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorIn, TestModel, type TestServer } from './support.js';

let model: TestModel;
let server: TestServer;

beforeAll(async () => {
  model = await TestModel.load({ pictures: 'also' });
  server = await model.serve({ maxSteps: 4, bodyLimit: 100_000 });
});
afterAll(() => model.close());

/** Four pixels, the first of them transparent. */
const PICTURE = await sharp(Buffer.from([0, 0, 0, 0, ...new Array<number>(12).fill(200)]), {
  raw: { width: 2, height: 2, channels: 4 },
})
  .png()
  .toBuffer();

/** Random numbers in [0, 1) of a seed (mulberry32): a failure can be made again. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

class Fuzz {
  readonly random: () => number;

  constructor(seed: number) {
    this.random = randomOf(seed);
  }

  below(n: number): number {
    return Math.floor(this.random() * n);
  }

  of<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!;
  }

  bytes(most: number): Buffer {
    return Buffer.from(Array.from({ length: this.below(most) }, () => this.below(256)));
  }

  text(): string {
    return this.of([
      '',
      'a red ball',
      'n',
      '\u0000\n\r',
      '\ud800',
      '𝕏'.repeat(50),
      '{"a":1}',
      '../../etc/passwd',
      this.bytes(40).toString('latin1'),
      'x'.repeat(this.below(40_000)),
    ]);
  }

  value(depth = 2): unknown {
    const kinds: (() => unknown)[] = [
      () => null,
      () => this.random() < 0.5,
      () => this.of([0, -1, 1, 2, 3, 1.5, 10, 1e9, 2 ** 53, -0, 1e308]),
      () => this.text(),
      () => this.of(['png', 'webp', 'url', 'b64_json', 'auto', 'tiny', '32x32', '1024x1024', 'transparent', 'high']),
    ];
    if (depth > 0) {
      kinds.push(() => Array.from({ length: this.below(3) }, () => this.value(depth - 1)));
      kinds.push(() => ({ [this.text().slice(0, 30)]: this.value(depth - 1), __proto__: this.value(0) }));
    }
    return this.of(kinds)();
  }
}

const FIELDS = [
  ['prompt', 'model', 'n', 'size', 'response_format', 'user', 'output_format', 'output_compression', 'stream'],
  ['partial_images', 'background', 'quality', 'safety_identifier', 'style', 'moderation', 'complexity', 'seed'],
  ['num_inference_steps', 'guidance_scale', 'prior_num_inference_steps', 'prior_guidance_scale'],
  ['super_res_num_inference_steps', 'unknown', '__proto__', 'constructor', 'image', 'mask'],
].flat();

/** A request body, near to what is wanted or far from it. */
function jsonBody(fuzz: Fuzz): string {
  if (fuzz.random() < 0.1) return fuzz.text();
  const entries = Array.from({ length: fuzz.below(5) }, () => [fuzz.of(FIELDS), fuzz.value()] as const);
  const body = JSON.stringify(
    Object.fromEntries([['prompt', fuzz.random() < 0.8 ? 'a ball' : fuzz.value()], ...entries]),
  );
  // Cut short, or with a byte changed.
  if (fuzz.random() < 0.1) return body.slice(0, fuzz.below(body.length));
  return body;
}

function multipartBody(fuzz: Fuzz): { readonly body: Buffer; readonly type: string } {
  const boundary = fuzz.of(['x', 'a-b-c', '--', '"quoted"']);
  const parts = Array.from({ length: fuzz.below(5) }, () => {
    const name = fuzz.of(['image', 'image[]', 'mask', 'prompt', 'n', fuzz.of(FIELDS), fuzz.of(FIELDS)]);
    const file = fuzz.random() < 0.6 ? `; filename="${fuzz.text().slice(0, 30)}"` : '';
    const body = fuzz.random() < 0.3 ? PICTURE : fuzz.random() < 0.5 ? fuzz.bytes(300) : Buffer.from(fuzz.text());
    const head = `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`;
    return Buffer.concat([Buffer.from(head), body]);
  });
  const end = fuzz.random() < 0.8 ? `\r\n--${boundary}--\r\n` : '';
  return {
    body: Buffer.concat([...parts.flatMap((part) => [part, Buffer.from('\r\n')]), Buffer.from(end)]),
    type: fuzz.random() < 0.9 ? `multipart/form-data; boundary=${boundary}` : 'multipart/form-data',
  };
}

const PATHS = [
  ['/v1/images/generations', '/v1/images/generations', '/v1/images/generations', '/v1/images/edits'],
  ['/v1/images/variations', '/v1/models', '/v1/models/tiny', '/v1/models/%00', '/v1/models/%ff', '/v1/models/a%2fb'],
  ['/pictures/x', '/pictures/..%2f..%2fx', '/metrics', '/healthz', '/readyz', '/openapi.json', '/', '/v1', '//', '/%'],
].flat();

interface Sent {
  readonly path: string;
  readonly init: RequestInit;
}

function anyRequest(fuzz: Fuzz): Sent {
  const path =
    fuzz.of(PATHS) + (fuzz.random() < 0.1 ? `?${encodeURIComponent(fuzz.text().slice(0, 100).toWellFormed())}` : '');
  const method = path.startsWith('/v1/images')
    ? fuzz.of(['POST', 'POST', 'POST', 'GET', 'PUT'])
    : fuzz.of(['GET', 'POST', 'DELETE']);
  const headers: Record<string, string> = {};
  if (fuzz.random() < 0.2) headers.authorization = fuzz.of(['Bearer', 'Bearer x', 'Basic eDp4', 'Bearer  a b']);
  if (fuzz.random() < 0.1) headers['x-request-id'] = fuzz.of(['ok', 'x'.repeat(500), '{}']);
  if (fuzz.random() < 0.05) headers['x-huge'] = 'x'.repeat(20_000);
  if (fuzz.random() < 0.1) headers['content-encoding'] = fuzz.of(['gzip', 'br', 'x']);
  if (method === 'GET') return { path, init: { method, headers } };
  if (fuzz.random() < 0.25) {
    const { body, type } = multipartBody(fuzz);
    return { path, init: { method, headers: { ...headers, 'content-type': type }, body: new Uint8Array(body) } };
  }
  const type =
    fuzz.random() < 0.85
      ? 'application/json'
      : fuzz.of(['text/plain', 'application/xml', 'x', 'application/json; charset=utf-16']);
  const text = jsonBody(fuzz);
  if (fuzz.random() < 0.2) {
    // Chunked, in pieces.
    const bytes = Buffer.from(text);
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 97) controller.enqueue(new Uint8Array(bytes.subarray(at, at + 97)));
        controller.close();
      },
    });
    return {
      path,
      init: { method, headers: { ...headers, 'content-type': type }, body, duplex: 'half' } as RequestInit,
    };
  }
  return { path, init: { method, headers: { ...headers, 'content-type': type }, body: text } };
}

/** Reads an answer: every error has OpenAI's form and speaks of nothing inside. */
async function checkAnswer(response: Response): Promise<void> {
  const text = await response.text();
  expect(response.status).not.toBe(500);
  expect(text).not.toMatch(/node_modules|src\/ts|\.js:\d|at \w+ \(/);
  if (response.status >= 400 && !response.url.endsWith('/readyz')) errorIn(text);
  if (response.headers.get('content-type') === 'text/event-stream') expect(text).toMatch(/^(event: |: )/);
}

describe('a service that is sent anything', () => {
  it('answers in the standard form, and goes on', async () => {
    const statuses = new Map<number, number>();
    for (let seed = 1; seed <= 300; seed++) {
      const { path, init } = anyRequest(new Fuzz(seed));
      try {
        const response = await fetch(server.url + path, init);
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
        await checkAnswer(response);
      } catch (error) {
        const log = server.log.trim().split('\n').slice(-2).join('\n');
        throw new Error(`seed ${seed}: ${init.method} ${path}: ${(error as Error).message}\n${log}`, { cause: error });
      }
    }
    // It was met with more than refusals, and with many kinds of those.
    expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 404, 415, 431]));
    expect((await server.client().images.generate({ prompt: 'still there' })).data).toHaveLength(1);
  });

  it('answers a body over the limit with 413', async () => {
    const response = await fetch(`${server.url}/v1/images/generations`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ prompt: 'x'.repeat(200_000) }),
    });
    expect(response.status).toBe(413);
    expect(errorIn(await response.text()).type).toBe('invalid_request_error');
  });

  it('bears what is not HTTP', async () => {
    const begin = 'POST /v1/images/generations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    for (const sent of [
      'hello\r\n\r\n',
      'GET / HTTP/9.9\r\n\r\n',
      `${begin}Content-Length: -1\r\n\r\n`,
      `${begin}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`,
      `${begin}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
      `${begin}X: ${'y'.repeat(100_000)}\r\n\r\n`,
    ]) {
      const answer = await rawAnswer(sent);
      expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /);
      errorIn(answer.slice(answer.indexOf('\r\n\r\n') + 4));
    }
    // Clients that leave in the middle of what they say.
    for (const sent of [
      begin,
      `${begin}Content-Length: 100\r\n\r\n{"prompt":`,
      `${begin}Transfer-Encoding: chunked\r\n\r\n5\r\n{"pr`,
    ])
      await rawAnswer(sent, true);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
  });
});

/** Sends bytes as they are and reads what comes back. @param leave hangs up at once */
function rawAnswer(sent: string, leave = false): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1');
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? resolve(text) : reject(error)));
    socket.on('close', () => resolve(text));
    socket.write(sent, () => leave && socket.destroy());
  });
}
