import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodePicture } from '../../src/ts/image/decode.js';
import { PicturePool } from '../../src/ts/pool/picture-pool.js';
import { build, hashOf, until } from '../pool/support.js';
import { TestModel, type TestServer } from './support.js';

const REQUESTS = 12;

let model: TestModel;
let pool: PicturePool;
let server: TestServer;
let url: string;

beforeAll(async () => {
  await build();
  model = await TestModel.load({ pictures: 'also' });
  pool = await PicturePool.load(model.unclip.model.folder, {
    workers: 2,
    batchSize: 4,
    deterministic: true,
    maxQueued: 64,
  });
  server = await model.serve({ maxQueued: 64, runDeadlineMs: 60_000 }, pool);
  url = `${server.url}/v1/images/generations`;
}, 400_000);
afterAll(() => model.close());

const draw = (body: object): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

const alive = (): Promise<number> => server.metricSum('unclip_worker_up');

describe('a service with workers', () => {
  it('answers with the pictures that it would draw itself', async () => {
    const asked = { prompt: 'a ball', n: 4, seed: 7 };
    const { data } = (await (await draw(asked)).json()) as { data: { b64_json: string }[] };
    const { images } = await model.unclip.generate(asked);
    const answered = await Promise.all(
      data.map(({ b64_json }) => decodePicture(Buffer.from(b64_json, 'base64'), { alpha: true })),
    );
    expect(answered.map(hashOf)).toEqual(images.map(hashOf));
  });

  it('answers every request while its workers are killed', async () => {
    const running = Array.from({ length: REQUESTS }, (_, k) =>
      draw({
        prompt: `ball ${k}`,
        n: 2,
        seed: k,
        num_inference_steps: 20,
        stream: k % 4 === 0,
        partial_images: k % 4 === 0 ? 2 : 0,
      }),
    );
    await server.until('unclip_active_pictures{stage="decoder"}', (pictures) => pictures > 0);
    for (const worker of [0, 1]) {
      process.kill(pool.metrics().workers![worker]!.pid!, 'SIGKILL');
      await until(() => pool.metrics().workers![worker]!.restarts === 1, 'started anew');
    }
    for (const [k, response] of (await Promise.all(running)).entries()) {
      const text = await response.text();
      expect(response.status, text).toBe(200);
      const finished = k % 4 === 0 ? text.match(/event: image_generation\.completed/g) : JSON.parse(text).data;
      expect(finished).toHaveLength(2);
      // Each unfinished picture once, although some were drawn twice.
      if (k % 4 === 0) expect(text.match(/event: image_generation\.partial_image/g)).toHaveLength(4);
    }
    expect(await server.metricSum('unclip_worker_restarts_total')).toBe(2);
    expect(await alive()).toBe(2);
    expect(await server.metric('unclip_pictures_total{outcome="worker_died"}')).toBe(0);
  });

  it('is ready while a worker lives', async () => {
    const ready = async (): Promise<number> => (await fetch(`${server.url}/readyz`)).status;
    const [first, second] = pool.metrics().workers!;
    process.kill(first!.pid!, 'SIGKILL');
    await until(() => !pool.metrics().workers![0]!.alive, 'seen dead');
    expect(await ready()).toBe(200);
    process.kill(second!.pid!, 'SIGKILL');
    await until(() => pool.metrics().workers!.every(({ alive }) => !alive), 'both seen dead');
    expect(await ready()).toBe(503);
    expect((await draw({ prompt: 'patience' })).status).toBe(200);
    expect(await ready()).toBe(200);
  });

  it('reads pictures itself, and draws from them in its workers', async () => {
    const [image] = (await model.unclip.generate({ prompt: 'a ball', seed: 1 })).images;
    const form = new FormData();
    form.set('image', new File([new Uint8Array(await image!.encode())], 'ball.png', { type: 'image/png' }));
    const before = pool.metrics().finished;
    const response = await fetch(`${server.url}/v1/images/variations`, { method: 'POST', body: form });
    expect(response.status, await response.text()).toBe(200);
    expect(pool.metrics().finished).toBe(before + 1);
  });

  it('ends its workers', async () => {
    const pids = pool.metrics().workers!.map(({ pid }) => pid!);
    await server.end();
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  });
});
