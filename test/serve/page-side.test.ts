import { mkdirSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/ts/serve/config.js';
import { EventChannel } from '../../src/ts/serve/http/sse.js';
import { PictureOrder } from '../../src/ts/serve/images/picture-order.js';
import { errorIn, refusal, TestModel, type TestServer } from './support.js';

const CAPTIONS = ['a red ball', 'a blue cube', 'a green star', 'a white house'];

let model: TestModel;
let server: TestServer;

beforeAll(async () => {
  model = await TestModel.load({ pictures: 'also' });
  const pageFolder = join(model.folder, 'page');
  mkdirSync(join(pageFolder, 'assets'), { recursive: true });
  writeFileSync(join(pageFolder, 'index.html'), '<!doctype html><title>page</title>');
  writeFileSync(join(pageFolder, 'assets', 'a-1234.js'), 'export {}');
  writeFileSync(join(model.folder, 'secret.txt'), 'not of the page');
  server = await model.serve({ captions: CAPTIONS, pageFolder, aliases: ['dall-e-2'] });
});
afterAll(() => model.close());

interface ServerEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

const eventsIn = (text: string): ServerEvent[] =>
  [...text.matchAll(/^data: (.*)$/gm)].map(([, data]) => JSON.parse(data!) as ServerEvent);

const generate = (body: object): Promise<Response> =>
  fetch(`${server.url}/v1/images/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'a red ball', stream: true, seed: 5, ...body }),
  });

const streamed = async (body: object): Promise<ServerEvent[]> => eventsIn(await (await generate(body)).text());

describe('what a model says of itself', () => {
  it('stands beside the standard’s fields, by every name', async () => {
    const { data } = await server.client().models.list();
    expect(data.map(({ id }) => id)).toEqual(['tiny', 'dall-e-2']);
    for (const entry of data)
      expect(entry).toMatchObject({
        object: 'model',
        unclip: {
          size: 32,
          decoder_size: 16,
          most_pictures: 10,
          max_steps: 250,
          text_to_image: true,
          variations: true,
          edits: true,
          nearest_captions: 4,
          priors: ['diffusion'],
          samplers: ['unclip', 'ddim', 'dpm++2m', 'euler'],
          defaults: { num_inference_steps: 3, prior_num_inference_steps: 2, super_res_num_inference_steps: 2 },
          examples: expect.arrayContaining(CAPTIONS),
        },
      });
  });
});

describe('previews', () => {
  it('show the picture at every step, with stage and step, in place of partial images', async () => {
    const events = await streamed({ previews: 250, partial_images: 1, n: 2 });
    for (const picture of [0, 1]) {
      const of = events.filter(({ image_index }) => image_index === picture);
      expect(of.at(-1)!.type).toBe('image_generation.completed');
      const shown = of.slice(0, -1);
      expect(shown.length).toBeGreaterThan(0);
      for (const event of shown) {
        expect(event).toMatchObject({ type: 'image_generation.partial_image', size: '32x32' });
        expect(['decoder 1/3', 'decoder 2/3', 'decoder 3/3', 'superRes 1/2', 'superRes 2/2']).toContain(
          `${event.stage} ${event.step}/${event.steps}`,
        );
        const { width, height } = await sharp(Buffer.from(event.b64_json as string, 'base64')).metadata();
        expect([width, height]).toEqual([32, 32]);
      }
    }
  });

  it('leave the standard’s events as they are where they are not asked for', async () => {
    const [partial] = await streamed({ partial_images: 1 });
    expect(partial).toMatchObject({ type: 'image_generation.partial_image', partial_image_index: 0 });
    expect(partial).not.toHaveProperty('stage');
  });

  it('show an edit on its way', async () => {
    const png = (channels: 3 | 4, background: string) =>
      sharp({ create: { width: 32, height: 32, channels, background } })
        .png()
        .toBuffer();
    const form = new FormData();
    form.append('image', new Blob([await png(3, '#884422')]), 'image.png');
    form.append('mask', new Blob([await png(4, '#0000')]), 'mask.png');
    for (const [name, value] of Object.entries({
      prompt: 'a',
      stream: 'true',
      previews: '2',
      num_inference_steps: '4',
    }))
      form.append(name, value);
    const response = await fetch(`${server.url}/v1/images/edits`, { method: 'POST', body: form });
    const events = eventsIn(await response.text());
    expect(events.at(-1)!.type).toBe('image_edit.completed');
    expect(events[0]).toMatchObject({ type: 'image_edit.partial_image', stage: 'decoder', steps: expect.any(Number) });
  });
});

describe('nearest captions', () => {
  it('are told after every step of the prior, before the picture', async () => {
    const events = await streamed({ nearest_captions: 3, n: 2 });
    for (const picture of [0, 1]) {
      const of = events.filter(({ image_index }) => image_index === picture);
      expect(of.map(({ type }) => type)).toEqual([
        'image_generation.prior_step',
        'image_generation.prior_step',
        'image_generation.completed',
      ]);
      for (const [k, { step, steps, captions }] of of.slice(0, 2).entries()) {
        expect([step, steps]).toEqual([k + 1, 2]);
        const told = captions as { text: string; similarity: number; probability: number }[];
        expect(told).toHaveLength(3);
        expect(new Set([...CAPTIONS, ...told.map(({ text }) => text)]).size).toBe(4);
        expect(told.map(({ similarity }) => similarity)).toEqual(
          told.map(({ similarity }) => similarity).sort((a, b) => b - a),
        );
        expect(told.reduce((sum, { probability }) => sum + probability, 0)).toBeLessThanOrEqual(1.000001);
      }
    }
  });

  it('take captions of one’s own, within bounds', () => {
    const many = (count: number, length: number) => Array.from({ length: count }, () => 'x'.repeat(length));
    expect(checkConfig({ captions: many(10_000, 1000) }).captions).toHaveLength(10_000);
    for (const [captions, code] of [
      [many(10_001, 1), 'INPUT_TOO_LARGE'],
      [['a', 'x'.repeat(1001)], 'INPUT_TOO_LARGE'],
      [['a', ''], 'INPUT_INVALID'],
    ] as const)
      expect(() => checkConfig({ captions })).toThrow(expect.objectContaining({ code }));
  });

  it('do not change the picture', async () => {
    const [with_, without] = await Promise.all([streamed({ nearest_captions: 20, previews: 9 }), streamed({})]);
    expect(with_.at(-1)!.b64_json).toBe(without.at(-1)!.b64_json);
  });

  it('are refused where there is nothing to tell', async () => {
    const bare = await model.serve();
    const url = `${bare.url}/v1/images/generations`;
    expect(await refusal(url, { prompt: 'a', nearest_captions: 3 })).toMatchObject({
      status: 400,
      error: { param: 'nearest_captions', message: expect.stringContaining('No captions are known') },
    });
    await bare.end();
    const own = `${server.url}/v1/images/generations`;
    expect((await refusal(own, { prompt: 'a', nearest_captions: 21 })).status).toBe(400);
    expect((await refusal(own, { prompt: 'a', previews: -1 })).status).toBe(400);
  });
});

describe('the page', () => {
  it('is served to anybody, under a policy that lets nothing else in', async () => {
    const page = await fetch(server.url);
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers.get('content-security-policy')).toContain("default-src 'self'");
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const asset = await fetch(`${server.url}/assets/a-1234.js`);
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(asset.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('gives out nothing beside its folder', async () => {
    for (const path of ['/../secret.txt', '/%2e%2e/secret.txt', '/assets/..%2f..%2fsecret.txt', '/assets/', '/.env'])
      expect((await fetch(server.url + path)).status, path).toBeGreaterThanOrEqual(400);
  });

  it('is not there where it was not built or is not wanted, and the service is', async () => {
    for (const pageFolder of [null, join(model.folder, 'none')]) {
      const bare = await model.serve({ pageFolder });
      expect((await fetch(bare.url)).status).toBe(404);
      expect((await fetch(`${bare.url}/healthz`)).status).toBe(200);
      expect(bare.log.includes('it was not built')).toBe(pageFolder !== null);
      await bare.end();
    }
  });
});

describe('pages of other sites', () => {
  /** What a request is answered with. fetch sets neither of the headers that say where it comes from. */
  const ask = (
    path: string,
    headers: Record<string, string>,
    body: string | Buffer = '',
    at = server,
  ): Promise<[number, string]> =>
    new Promise((resolve, reject) => {
      const method = body === '' ? 'GET' : 'POST';
      const asked = request(`${at.url}/v1/${path}`, { method, headers }, async (response) => {
        resolve([response.statusCode!, (await response.setEncoding('utf8').toArray()).join('')]);
      });
      asked.once('error', reject).end(body);
    });
  const statusOf = async (headers: Record<string, string>, at = server): Promise<number> =>
    (await ask('models', headers, '', at))[0];

  it('cannot ask a service without keys, by whatever name it is called', async () => {
    expect(await statusOf({})).toBe(200);
    expect(await statusOf({ 'sec-fetch-site': 'same-origin' })).toBe(200);
    expect(await statusOf({ 'sec-fetch-site': 'cross-site' })).toBe(403);
    const { port } = new URL(server.url);
    for (const host of ['127.0.0.1', 'localhost', 'LocalHost', '[::1]'])
      expect(await statusOf({ host: `${host}:${port}` })).toBe(200);
    for (const host of ['evil.example', '127.0.0.1.evil.example', 'localhost.evil.example'])
      expect(await statusOf({ host: `${host}:${port}` }), host).toBe(403);
  });

  it('cannot have it draw by what a browser posts without asking first', async () => {
    const drawn = await server.metric('unclip_queue_delay_seconds_count');
    const png = await sharp({ create: { width: 32, height: 32, channels: 3, background: '#884422' } })
      .png()
      .toBuffer();
    const form = new FormData();
    form.append('image', new Blob([png]), 'image.png');
    const encoded = new Response(form);
    const type = encoded.headers.get('content-type')!;
    const body = Buffer.from(await encoded.arrayBuffer());
    const elsewhere = { 'sec-fetch-site': 'cross-site' };
    for (const [path, contentType, text] of [
      ['images/variations', type, body],
      ['images/edits', type, body],
      ['images/generations', 'text/plain', '{"prompt": "a"}'],
      ['images/generations', 'application/json', '{"prompt": "a"}'],
    ] as const)
      for (const headers of [elsewhere, { host: 'evil.example' }]) {
        const [status, answer] = await ask(path, { 'content-type': contentType, ...headers }, text);
        expect(status, path).toBe(403);
        expect(errorIn(answer)).toMatchObject({ type: 'invalid_request_error', param: null });
      }
    expect(await server.metric('unclip_queue_delay_seconds_count')).toBe(drawn);
  });

  it('may call it as its owner does', async () => {
    for (const [publicUrl, host] of [
      ['https://pictures.example/a/', 'pictures.example'],
      ['https://Pictures.Example', 'PICTURES.example:443'],
      ['http://[fd00::7]:8080', '[fd00::7]:8080'],
    ] as const) {
      const named = await model.serve({ publicUrl });
      expect(await statusOf({ host }, named), publicUrl).toBe(200);
      expect(await statusOf({ host: 'other.example' }, named)).toBe(403);
      await named.end();
    }
    expect(() => checkConfig({ publicUrl: 'http://a b' })).toThrow('give an address');
  });
});

describe('a client that is slow', () => {
  it('gets the latest preview of each picture, and every event that counts', async () => {
    const channel = new EventChannel();
    for (let i = 0; i < 1000; i++) channel.send({ type: 'preview', i }, `of ${i % 2}`);
    channel.send({ type: 'completed' });
    channel.end();
    let text = '';
    for await (const part of channel.text()) text += part;
    expect(eventsIn(text)).toEqual([{ type: 'preview', i: 998 }, { type: 'preview', i: 999 }, { type: 'completed' }]);
  });

  it('misses the oldest steps of a prior alone, and those only when many wait', async () => {
    const channel = new EventChannel();
    const steps = Array.from({ length: 30 }, (_, i) => ({ type: 'step', i }));
    for (const step of steps) {
      channel.send(step, 'a', 10);
      if (step.i < 10) channel.send({ ...step, type: 'other' }, 'b', 10);
    }
    channel.send({ type: 'error' });
    channel.end();
    let text = '';
    for await (const part of channel.text()) text += part;
    const told = eventsIn(text);
    expect(told.filter(({ type }) => type === 'step')).toEqual(steps.slice(-10));
    expect(told.filter(({ type }) => type === 'other')).toHaveLength(10);
    expect(told.at(-1)).toEqual({ type: 'error' });
  });

  it('holds no previews that newer ones have taken the place of', async () => {
    setFlagsFromString('--expose_gc');
    const collectGarbage = runInNewContext('gc') as () => void;
    const order = new PictureOrder();
    let encoded = (): void => {};
    order.unfinished(0, true, () => new Promise((resolve) => (encoded = resolve)));
    await setImmediate();
    const sent: number[] = [];
    const previews = Array.from({ length: 50 }, (_, i) => {
      const preview = { data: new Uint8Array(1000).fill(i) };
      order.unfinished(0, true, async () => void sent.push(preview.data[0]!));
      return new WeakRef(preview);
    });
    await setImmediate();
    collectGarbage();
    expect(previews.filter((preview) => preview.deref() !== undefined)).toHaveLength(1);
    encoded();
    await order.finished(0, async () => {});
    expect(sent).toEqual([49]);
  });

  it('does not make previews queue up to be encoded', async () => {
    const order = new PictureOrder();
    const sent: string[] = [];
    const send = (name: string) => async (): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      sent.push(name);
    };
    for (let i = 0; i < 100; i++) order.unfinished(0, true, send(`preview ${i}`));
    order.unfinished(0, false, () => Promise.reject(new Error('cannot be encoded')));
    order.unfinished(1, true, send('other'));
    await Promise.all([order.finished(0, send('picture')), order.finished(1, send('other picture'))]);
    expect(sent.filter((name) => !name.startsWith('other'))).toEqual(['preview 99', 'picture']);
    expect(sent.filter((name) => name.startsWith('other'))).toEqual(['other', 'other picture']);
  });
});
