import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorIn, TestModel, type TestServer } from './support.js';

let model: TestModel;
let server: TestServer;

const REQUESTS = 240;

beforeAll(async () => {
  model = await TestModel.load();
  server = await model.serve({ maxQueued: 32 });
});
afterAll(() => model.close());

const post = (body: string, signal?: AbortSignal): Promise<Response> =>
  fetch(`${server.url}/v1/images/generations`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
    signal,
  });

/** Sends one of a mix of requests. @returns how it went; throws when that is not as it has to be */
async function send(i: number): Promise<string> {
  const kind = i % 8;
  if (kind === 6) {
    const broken = await post('{"prompt":');
    errorIn(await broken.text());
    return `broken: ${broken.status}`;
  }
  if (kind === 7) {
    const gone = post(JSON.stringify({ prompt: 'gone', n: 2 }), AbortSignal.timeout(1 + (i % 40)));
    return gone
      .then((r) => r.text())
      .then(
        () => 'leaving: too late',
        () => 'leaving: gone',
      );
  }
  const n = 1 + (i % 3);
  const stream = kind === 3;
  const response = await post(JSON.stringify({ prompt: `p${i}`, n, seed: i, stream, partial_images: stream ? 1 : 0 }));
  const text = await response.text();
  if (response.status === 429) {
    expect(errorIn(text).code).toBe('queue_full');
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  } else {
    expect(response.status, text).toBe(200);
    const pictures = stream
      ? text.match(/event: image_generation\.completed/g)
      : (JSON.parse(text) as { data: [] }).data;
    expect(pictures).toHaveLength(n);
  }
  return `drawing: ${response.status}`;
}

describe('more requests than it can draw, some broken, some left, with a device that is lost', () => {
  it('loses none that it has accepted', async () => {
    await send(0);
    const outcomes = new Map<string, number>();
    const running: Promise<void>[] = [];
    for (let i = 0; i < REQUESTS; i++) {
      running.push(send(i).then((outcome) => void outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)));
      if (i === REQUESTS / 2) model.unclip.runtime.device.gpu.destroy();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await Promise.all(running);
    expect(outcomes.get('broken: 400')).toBe(REQUESTS / 8);
    expect(outcomes.get('leaving: gone')).toBeGreaterThan(0);
    expect(outcomes.get('drawing: 200')).toBeGreaterThan(0);
    // It was asked for more than it has room for.
    expect(outcomes.get('drawing: 429')).toBeGreaterThan(0);
    for (const gauge of ['unclip_queue_pictures', 'unclip_active_pictures{stage="decoder"}'])
      await server.until(gauge, (pictures) => pictures === 0);
    expect(await server.metric('unclip_pictures_total{outcome="gpu_device_lost"}')).toBe(0);
    expect((await server.client().images.generate({ prompt: 'afterwards' })).data).toHaveLength(1);
  });
});
