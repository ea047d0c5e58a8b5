import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PictureStep } from '../../src/ts/pipelines/scheduler/options.js';
import type { PicturePool } from '../../src/ts/pool/picture-pool.js';
import {
  build,
  codeOf,
  drawnAlone,
  GUIDED,
  hashOf,
  item,
  items,
  Pools,
  STEPS,
  sleep,
  until,
  workersOf,
} from './support.js';

const pools = new Pools();
const PICTURES = 8;
let expected: string[];

beforeAll(async () => {
  await build();
  expected = await drawnAlone(items(PICTURES).map((item) => ({ item })));
}, 400_000);
afterEach(() => pools.close());

/** Kills a worker, if it lives just now. */
function kill(pool: PicturePool, worker: number): void {
  const { pid } = workersOf(pool)[worker]!;
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
}

/** Workers that start meanwhile are killed by a picture of the prompt 'poison'. */
async function poisonable(test: () => Promise<void>): Promise<void> {
  const options = process.env.NODE_OPTIONS;
  process.env.NODE_OPTIONS = `--import=${pathToFileURL(join(import.meta.dirname, 'poison.mjs')).href}`;
  try {
    await test();
  } finally {
    process.env.NODE_OPTIONS = options ?? '';
  }
}

describe('a pool whose workers die', () => {
  // No picture can see more than two of them die: then it is drawn.
  it.each([
    ['0 text 1', '1 prior 2'],
    ['2 decoder 1', '3 decoder 4'],
    ['4 superRes 3', '7 superRes 1'],
  ])('loses nothing and draws nothing wrong, killed at picture %s and at picture %s', async (...moments) => {
    const pool = await pools.load();
    const steps: PictureStep[] = [];
    const killAt = new Set(moments);
    const drawn = pool.submit(items(PICTURES), {
      settings: GUIDED,
      onStep: (step) => {
        steps.push(step);
        if (killAt.delete(`${step.picture} ${step.stage} ${step.step}`)) kill(pool, killAt.size);
      },
    });
    expect((await Promise.all(drawn)).map(hashOf)).toEqual(expected);
    expect(killAt.size).toBe(0);
    // However often a step was taken, it was told once, and in order.
    expect(steps).toHaveLength(PICTURES * STEPS);
    const order = steps.filter(({ picture }) => picture === 3).map(({ stage, step }) => `${stage} ${step}`);
    expect(new Set(order).size).toBe(STEPS);
    expect(order.indexOf('decoder 1')).toBe(1 + 3);
    expect(pool.metrics()).toMatchObject({ finished: PICTURES, begun: PICTURES, failed: {}, queued: 0 });
    expect(workersOf(pool).reduce((sum, { restarts }) => sum + restarts, 0)).toBeGreaterThan(0);
  });

  it('loses nothing when they are killed at random, while they load too', async () => {
    const pool = await pools.load();
    for (let round = 0; round < 4; round++) {
      const drawn = pool.submit(items(PICTURES), { settings: GUIDED });
      for (let k = 0; k < 2; k++) {
        await sleep(700 * Math.random());
        kill(pool, (round + k) % 2);
      }
      expect((await Promise.all(drawn)).map(hashOf)).toEqual(expected);
    }
    expect(pool.metrics().failed).toEqual({});
  });

  it('starts those anew that die with nothing to do', async () => {
    const pool = await pools.load({ workers: 1 });
    kill(pool, 0);
    await until(() => !workersOf(pool)[0]!.alive, 'seen dead');
    const [next] = pool.submit([item(0)], { settings: GUIDED });
    expect(hashOf(await next!)).toBe(expected[0]);
    expect(workersOf(pool)).toMatchObject([{ alive: true, restarts: 1, drawn: 1 }]);
  });

  it('cancels what waits for a new worker, and closes meanwhile', async () => {
    const pool = await pools.load({ workers: 1 });
    const controller = new AbortController();
    const [picture] = pool.submit([item(0)], {
      settings: GUIDED,
      signal: controller.signal,
      onStep: () => kill(pool, 0),
    });
    await until(() => !workersOf(pool)[0]!.alive, 'seen dead');
    controller.abort();
    expect(await codeOf(picture!)).toBe('CANCELLED');
    await pool.close();
  });

  it('gives up the picture that takes its workers with it, and draws all others', async () => {
    await poisonable(async () => {
      const pool = await pools.load();
      const asked = items(PICTURES);
      asked[2] = item(2, 'poison');
      const drawn = pool.submit(asked, { settings: GUIDED });
      const ends = await Promise.allSettled(drawn);
      const seen = ends.map((end) => (end.status === 'fulfilled' ? hashOf(end.value) : end.reason.code));
      expect(seen).toEqual(expected.map((hash, k) => (k === 2 ? 'WORKER_DIED' : hash)));
      expect(pool.metrics()).toMatchObject({ finished: PICTURES - 1, failed: { WORKER_DIED: 1 } });
      expect(workersOf(pool).reduce((sum, { restarts }) => sum + restarts, 0)).toBeLessThanOrEqual(3);
    });
  });

  it('gives up for a while when they die again and again', async () => {
    await poisonable(async () => {
      const pool = await pools.load({ workers: 1 });
      const asked = [0, 1, 2, 3].map((k) => item(k, 'poison'));
      const ends = await Promise.all(pool.submit(asked, { settings: GUIDED }).map(codeOf));
      // Two deaths with all of them, one with each of three alone; then there is no worker for the last.
      expect(ends).toEqual(['WORKER_DIED', 'WORKER_DIED', 'WORKER_DIED', 'NO_WORKER']);
      expect(workersOf(pool)[0]).toMatchObject({ alive: false, drawn: 0, restarts: 4 });
      expect(() => pool.submit([item(0)])).toThrow(expect.objectContaining({ code: 'NO_WORKER' }));
    });
  });
});
