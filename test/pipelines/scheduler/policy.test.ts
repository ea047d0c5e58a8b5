import { describe, expect, it } from 'vitest';
import {
  chooseAdmission,
  chooseBatch,
  type LaneStage,
  type Queued,
  type Ready,
} from '../../../src/ts/pipelines/scheduler/policy.js';

const OPTIONS = { maxBatch: 4, queueDelayMs: 100 };

let arrivals = 0;
const ready = (stage: LaneStage, o: Partial<Ready> = {}): Ready => ({
  stage,
  guided: true,
  request: 0,
  priority: 0,
  deadline: undefined,
  arrival: arrivals++,
  since: 1000,
  served: 0,
  ...o,
});
const queued = (o: Partial<Queued> = {}): Queued => ({
  request: 0,
  priority: 0,
  deadline: undefined,
  arrival: arrivals++,
  begun: 0,
  ...o,
});

const stages = (pictures: readonly Ready[], now = 1000): string[] =>
  chooseBatch(pictures, now, OPTIONS).map((i) => pictures[i]!.stage);

describe('chooseBatch', () => {
  it('chooses nothing of nothing', () => {
    expect(chooseBatch([], 0, OPTIONS)).toEqual([]);
  });

  it('lets the earliest stage catch up while no batch is full', () => {
    expect(stages([ready('decoder'), ready('prior'), ready('superRes')])).toEqual(['prior']);
  });

  it('runs the furthest stage that fills a batch', () => {
    const full = [
      ready('prior'),
      ...['decoder', 'superRes'].flatMap((s) => Array(4).fill(s) as LaneStage[]).map((s) => ready(s)),
    ];
    expect(stages(full)).toEqual(['superRes', 'superRes', 'superRes', 'superRes']);
  });

  it('holds nobody longer than the queue delay', () => {
    const held = [ready('prior', { since: 1090 }), ready('superRes', { since: 980 }), ready('decoder', { since: 999 })];
    expect(stages(held, 1090)).toEqual(['superRes']);
    expect(stages(held, 1080)).toEqual(['prior']);
  });

  it('never mixes guided and unguided pictures', () => {
    const mixed = [ready('decoder'), ready('decoder', { guided: false }), ready('decoder')];
    const chosen = chooseBatch(mixed, 1000, OPTIONS);
    expect(new Set(chosen.map((i) => mixed[i]!.guided)).size).toBe(1);
  });

  it('seats priority first, then the earliest deadline, then the request that has had the least', () => {
    const crowd = [
      ready('decoder', { request: 1, served: 9 }),
      ready('decoder', { request: 2, served: 1 }),
      ready('decoder', { request: 3, deadline: 5000, served: 50 }),
      ready('decoder', { request: 4, deadline: 4000, served: 50 }),
      ready('decoder', { request: 5, priority: 1, served: 99 }),
    ];
    expect(chooseBatch(crowd, 1000, OPTIONS)).toEqual([4, 3, 2, 1]);
  });

  it('takes the overdue picture of the highest priority when several are overdue', () => {
    const late = [ready('decoder', { since: 0 }), ready('prior', { since: 500, priority: 2 })];
    expect(stages(late)).toEqual(['prior']);
  });
});

describe('chooseAdmission', () => {
  it('chooses nothing of nothing', () => {
    expect(chooseAdmission([])).toBeUndefined();
  });

  it('takes turns between requests however many pictures each has', () => {
    const big = Array.from({ length: 5 }, () => queued({ request: 1, begun: 3 }));
    const small = queued({ request: 2, begun: 1 });
    expect(chooseAdmission([...big, small])).toBe(5);
  });

  it('goes by priority, then deadline, then arrival', () => {
    expect(chooseAdmission([queued(), queued({ priority: 1 }), queued({ deadline: 1 })])).toBe(1);
    expect(chooseAdmission([queued(), queued({ deadline: 9 }), queued({ deadline: 8, begun: 7 })])).toBe(2);
    expect(chooseAdmission([queued({ arrival: 9 }), queued({ arrival: 3 })])).toBe(1);
  });
});
