import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseBatchLine } from '../../src/ts/batch/batch-line.js';
import { checkConfig } from '../../src/ts/serve/config.js';
import { ApiKeys, addApiKey } from '../../src/ts/serve/http/api-keys.js';
import { DEFAULTS, errorIn, refusal, TestModel } from './support.js';

let model: TestModel;

beforeAll(async () => {
  model = await TestModel.load();
});
afterAll(() => model.close());

/** A request that takes some seconds, and shows that it is being drawn. */
const LONG = { prompt: 'a long way', num_inference_steps: 1000, prior_num_inference_steps: 1000 };
const generations = (url: string): string => `${url}/v1/images/generations`;
const ACTIVE = 'unclip_active_pictures{stage="prior"}';

describe('clients that go away', () => {
  it.each([false, true])('are not drawn for any more: stream %s', async (stream) => {
    const server = await model.serve({ maxSteps: 1000 });
    const stop = new AbortController();
    const lost = fetch(generations(server.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...LONG, stream }),
      signal: stop.signal,
    })
      .then((response) => response.text())
      .catch((error: unknown) => error);
    const other = server.client().images.generate({ prompt: 'a short way', ...{ seed: 1 } });
    await server.until(ACTIVE, (active) => active >= 1);
    stop.abort();
    expect(await lost).toBeInstanceOf(Error);
    const steps = await server.metric('unclip_steps_total{stage="prior",batch="1"}');
    await server.until('unclip_pictures_total{outcome="cancelled"}', (count) => count === 1);
    expect((await other).data).toHaveLength(1);
    await server.until(ACTIVE, (active) => active === 0);
    expect(server.log).toContain('client went away');
    // A step may have been under way, and one more before the socket's end was seen.
    expect((await server.metric('unclip_steps_total{stage="prior",batch="1"}')) - steps).toBeLessThan(500);
    await server.end();
  });
});

describe('a full queue', () => {
  it('refuses with 429 and says when to try again', async () => {
    const server = await model.serve({ maxSteps: 1000, maxQueued: 2 });
    const stop = new AbortController();
    const post = (body: object): Promise<Response> =>
      fetch(generations(server.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
        signal: stop.signal,
      });
    const answers: Promise<unknown>[] = [];
    const fill = async (gauge: string, pictures: number): Promise<void> => {
      answers.push(post({ ...LONG, n: 2 }).catch(() => undefined));
      await server.until(gauge, (count) => count === pictures);
    };
    for (const pictures of [2, 4, 6, 8]) await fill(ACTIVE, pictures);
    await fill('unclip_queue_pictures', 2);
    const refused = await post({ prompt: 'a' });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
    expect(errorIn(await refused.text())).toMatchObject({ type: 'rate_limit_error', code: 'queue_full' });
    const ready = await fetch(`${server.url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'queue full' }]);
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    // A request that could never find room is told so.
    expect(await refusal(generations(server.url), { prompt: 'a', n: 3 })).toMatchObject({
      status: 400,
      error: { param: 'n' },
    });
    stop.abort();
    await Promise.all(answers);
    await server.until('unclip_queue_pictures', (queued) => queued === 0);
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    await server.end();
  });
});

describe('deadlines', () => {
  it('end a run that takes too long', async () => {
    const server = await model.serve({ maxSteps: 1000, runDeadlineMs: 300 });
    const { status, error } = await refusal(generations(server.url), LONG);
    expect([status, error.code]).toEqual([504, 'deadline_exceeded']);
    const stream = await server.client().images.generate({ ...LONG, stream: true });
    const read = async (): Promise<void> => {
      for await (const _ of stream);
    };
    await expect(read()).rejects.toMatchObject({ code: 'deadline_exceeded', type: 'server_error' });
    await server.until('unclip_request_failures_total{reason="deadline_exceeded"}', (count) => count === 2);
    await server.end();
  });

  it('end a wait that takes too long', async () => {
    const server = await model.serve({ maxSteps: 1000, queueDeadlineMs: 300 });
    const stop = new AbortController();
    const before = fetch(generations(server.url), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...LONG, n: 8 }),
      signal: stop.signal,
    }).catch(() => undefined);
    await server.until(ACTIVE, (active) => active === 8);
    const { status, error } = await refusal(generations(server.url), { prompt: 'a' });
    expect([status, error.code]).toEqual([503, 'queue_deadline_exceeded']);
    stop.abort();
    await before;
    await server.end();
  });
});

describe('API keys', () => {
  it('let those in who have one, each within its own limit', async () => {
    const file = join(model.folder, 'keys.jsonl');
    const keys = [await addApiKey(file, 'ann', 2), await addApiKey(file, 'bob')];
    expect(statSync(file).mode & 0o077).toBe(0);
    for (const key of keys) expect(readFileSync(file, 'utf8')).not.toContain(key.slice(10));
    const server = await model.serve({ apiKeys: await ApiKeys.read(file) });
    const none = await fetch(`${server.url}/v1/models`);
    expect([none.status, none.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    errorIn(await none.text());
    for (const wrong of ['sk-unclip-', `${keys[0]}x`, keys[0]!.slice(0, -1)])
      await expect(server.client(wrong).images.generate({ prompt: 'a' })).rejects.toMatchObject({
        status: 401,
        code: 'invalid_api_key',
      });
    await server.client(keys[0]).models.list();
    expect((await server.client(keys[0]).images.generate({ prompt: 'a' })).data).toHaveLength(1);
    const limited = await server
      .client(keys[0])
      .models.list()
      .catch((error: unknown) => error);
    expect(limited).toBeInstanceOf(OpenAI.RateLimitError);
    expect(limited).toMatchObject({ code: 'rate_limit_exceeded' });
    expect(Number((limited as InstanceType<typeof OpenAI.APIError>).headers!.get('retry-after'))).toBeGreaterThan(30);
    for (let i = 0; i < 4; i++) await server.client(keys[1]).models.list();
    // What watches the service needs none.
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect(server.log).toContain('"key":"ann"');
    for (const key of keys) expect(server.log).not.toContain(key);
    await server.end();
  });

  it.each([
    ['holds no keys', ''],
    ['keys-2.jsonl:1: not JSON', 'sk-unclip-x\n'],
    ['keys-2.jsonl:2: sha256', `{"name":"a","sha256":"${'0'.repeat(64)}"}\n{"name":"b","sha256":"00"}\n`],
  ])('in a file that is no good are refused: %s', async (message, text) => {
    const file = join(model.folder, 'keys-2.jsonl');
    writeFileSync(file, text);
    await expect(ApiKeys.read(file)).rejects.toThrow(message);
  });

  it('are asked for where other machines can reach the service', () => {
    for (const host of ['0.0.0.0', '::', '192.168.0.1', 'example.org', '127.0.0.1.example.org'])
      expect(() => checkConfig({ host })).toThrow('give API keys');
    for (const host of ['127.0.0.1', '::1', 'localhost', '127.9.9.9']) expect(checkConfig({ host }).host).toBe(host);
    expect(() => checkConfig({ publicUrl: 'example.org' })).toThrow('give an address');
    expect(checkConfig({ host: '0.0.0.0', open: true }).host).toBe('0.0.0.0');
    expect(checkConfig({ host: '0.0.0.0', apiKeys: new ApiKeys([]) }).host).toBe('0.0.0.0');
  });
});

describe('a lost device', () => {
  it('costs no request: each goes on from its last step, to the same picture', async () => {
    const server = await model.serve();
    const draw = (seed: number) =>
      server.client().images.generate({ prompt: 'a', n: 3, ...{ seed, num_inference_steps: 20 } });
    const undisturbed = [await draw(1), await draw(20)];
    const answers = Promise.all([draw(1), draw(20)]);
    for (let losses = 0; losses < 2; losses++) {
      await server.until('unclip_active_pictures{stage="decoder"}', (active) => active >= 1);
      model.unclip.runtime.device.gpu.destroy();
    }
    for (const [i, answer] of (await answers).entries()) expect(answer.data).toEqual(undisturbed[i]!.data);
    await server.end();
  });
});

describe('the end of a service', () => {
  it('lets requests finish, refuses new ones', async () => {
    const server = await model.serve();
    const client = server.client();
    const answers = Promise.all(
      [1, 2, 3].map(() => client.images.generate({ prompt: 'a', n: 4, ...{ num_inference_steps: 20 } })),
    );
    await server.until('unclip_queue_delay_seconds_count', (count) => count === 3);
    const drained = server.end();
    await expect(client.images.generate({ prompt: 'late' })).rejects.toMatchObject({
      status: 503,
      code: 'shutting_down',
    });
    expect((await answers).map(({ data }) => data!.length)).toEqual([4, 4, 4]);
    expect(await drained).toEqual({ unfinished: 0, file: undefined });
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow();
  });

  it('writes what was not finished in time, as lines for unclip batch', async () => {
    const unfinishedFile = join(model.folder, 'left.jsonl');
    const server = await model.serve({ maxSteps: 1000, drainLimitMs: 100, unfinishedFile });
    const refused = Promise.all(
      [7, 8].map((seed) => refusal(generations(server.url), { ...LONG, n: 2, seed, guidance_scale: 3 })),
    );
    await server.until(ACTIVE, (active) => active >= 2);
    const { unfinished, file } = await server.end();
    for (const { status, error } of await refused) expect([status, error.code]).toEqual([503, 'shutting_down']);
    expect(unfinished).toBe(2);
    expect(existsSync(unfinishedFile)).toBe(false);
    const context = { defaults: DEFAULTS, size: 32, seed: 0 };
    expect(statSync(file!).mode & 0o077).toBe(0);
    const lines = readFileSync(file!, 'utf8').trim().split('\n');
    const read = lines.map((line, i) => parseBatchLine(line, i + 1, context));
    const settings = { ...DEFAULTS, decoderSteps: 1000, priorSteps: 1000, decoderGuidanceScale: 3 };
    for (const line of read) expect(line).toMatchObject({ prompt: 'a long way', n: 2, settings });
    expect(read.map(({ seed }) => seed).sort()).toEqual([7, 8]);
  });
});

describe('pictures answered as addresses', () => {
  it('are there for their time alone', async () => {
    const server = await model.serve({ pictureTtlMs: 500, publicUrl: 'https://pictures.example/a/' });
    const answer = await server.client().images.generate({ prompt: 'a', response_format: 'url' });
    const [, name] = /^https:\/\/pictures\.example\/a\/pictures\/([0-9a-f]{32}\.png)$/.exec(answer.data![0]!.url!)!;
    expect((await fetch(`${server.url}/pictures/${name}`)).status).toBe(200);
    await sleep(600);
    expect((await fetch(`${server.url}/pictures/${name}`)).status).toBe(404);
    await server.end();
  });
});

describe('the log', () => {
  it('has a JSON line a request with its id, and prompts only where they are asked for', async () => {
    const [quiet, open] = [await model.serve(), await model.serve({ logPrompts: true })];
    for (const server of [quiet, open]) {
      const response = await fetch(generations(server.url), {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'x-request-id': 'mine-1' },
        body: JSON.stringify({ prompt: 'a secret wish' }),
      });
      expect(response.headers.get('x-request-id')).toBe('mine-1');
      await response.text();
      await refusal(`${generations(server.url)}?prompt=secret`, { prompt: 'a secret wish', n: 'secret' });
      await server.end();
    }
    const lines = quiet.log
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const answered = lines.find((line) => line.reqId === 'mine-1' && line.msg === 'answered');
    expect(answered).toMatchObject({ level: 'info', method: 'POST', path: '/v1/images/generations', status: 200 });
    expect(quiet.log).not.toContain('secret');
    expect(open.log).toContain('a secret wish');
  });
});
