import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { compileGraph } from '../../src/ts/graph/compile.js';
import type { Graph } from '../../src/ts/graph/types.js';
import { linear } from '../../src/ts/ops/matmul/linear.js';
import type { Kernel, Variant } from '../../src/ts/ops/types.js';
import { KernelTimer } from '../../src/ts/runtime/kernel-timer.js';
import { randomWeights } from '../../src/ts/runtime/random-data.js';
import { Runtime } from '../../src/ts/runtime/runtime.js';
import { Ranking } from '../../src/ts/tune/ranking.js';
import { disagreement, searchChoice } from '../../src/ts/tune/search.js';
import { type TunedClass, type TuneOptions, tuneGraphs, tuningTasks } from '../../src/ts/tune/tune-graphs.js';
import { type TuningKey, TuningTable } from '../../src/ts/tune/tuning-table.js';

const KEY: TuningKey = { vendor: 'v', architecture: 'a', device: 'd', driver: '1', dawn: '1' };

let runtime: Runtime;
let folder: string;
beforeAll(async () => {
  runtime = await Runtime.open();
});
afterAll(() => runtime.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unclip-tuning-'));
});
const variants = linear.variants as Variant[];
const original = [...variants];
afterEach(() => {
  variants.splice(0, variants.length, ...original);
  rmSync(folder, { recursive: true, force: true });
});

const openTable = () => TuningTable.open(KEY, { folder, shippedFolder: join(folder, 'none') });

const graph = (batch = 1, n = 32): Graph => {
  const g = new GraphBuilder('test', { dtype: 'f32' });
  g.output('y', g.linear(g.input('x', [batch, 40, 64]), g.linearWeight(64, [n], ['w']), null, n));
  return g.build();
};

/** The portable kernel under another name, altered. */
const altered = (name: string, change: (kernels: Kernel[]) => Kernel[]): Variant => {
  const portable = original.find((v) => v.name === 'portable')!;
  return {
    name,
    supports: (call, caps) => portable.supports(call, caps),
    lower: (call, caps) => change(portable.lower(call, caps, portable.tunings?.(call, caps)[0] ?? {})),
  };
};

/** As many times the work, so that no noise hides it. */
const slow = altered('cpu-slow', (kernels) => Array.from({ length: 20 }, () => kernels).flat());
const twice = altered('cpu-twice', (kernels) => [...kernels, ...kernels]);

async function tune(table: TuningTable, options: Partial<TuneOptions> = {}, graphs = [graph()]): Promise<TunedClass[]> {
  const weighted = graphs.map((g) => ({ graph: g, runs: 1 }));
  return tuneGraphs(runtime, table, weighted, { budgetMs: 20_000, allVariants: true, ...options });
}

describe('tuneGraphs', () => {
  it('finds the faster kernel, which programs then run at every batch, with the same numbers', async () => {
    variants.splice(0, variants.length, slow, twice);
    const table = openTable();
    const [tuned] = await tune(table);
    expect(tuned!.heuristic.variant).toBe('cpu-slow');
    expect(tuned!.choice.variant).toBe('cpu-twice');
    expect(tuned!.ms).toBeLessThan(tuned!.heuristicMs);
    expect(tuned!.tried).toBe(2);

    const ran = async (batch: number, choose: Runtime['choose']) => {
      runtime.choose = choose;
      const program = runtime.program(`search ${batch}`, graph(batch), randomWeights());
      runtime.choose = undefined;
      program.state('x').write(new Float32Array(batch * 40 * 64).fill(0.5));
      await program.prepare();
      runtime.submit([program]);
      const y = await program.state('y').read();
      program.destroy();
      return { y, variant: program.compiled.nodes[0]!.variant };
    };
    const reopened = openTable();
    for (const batch of [1, 3]) {
      const chosen = await ran(batch, (record, call) => reopened.choose(record, call, runtime.caps));
      const pinned = await ran(batch, undefined);
      expect(chosen.variant).toBe('cpu-twice');
      expect(pinned.variant).toBe('cpu-slow');
      expect(chosen.y).toEqual(pinned.y);
    }
  });

  it('never chooses a kernel whose result is wrong, however fast', async () => {
    const halfTheSum = altered('cpu-half', ([kernel]) => {
      const [m, k, ...rest] = kernel!.params;
      return [{ ...kernel!, params: Uint32Array.of(m!, k! / 2, ...rest) }];
    });
    const halfTheRows = altered('cpu-rows', ([kernel]) => [{ ...kernel!, grid: [1, 1, 1] }]);
    const nothing = altered('cpu-nothing', () => []);
    variants.splice(0, variants.length, slow, halfTheSum, halfTheRows, nothing);
    const [tuned] = await tune(openTable(), {}, [graph(4, 96)]);
    expect(tuned!.choice.variant).toBe('cpu-slow');
    expect(tuned!.rejected.map((r) => r.choice.variant)).toEqual(['cpu-half', 'cpu-rows', 'cpu-nothing']);
    for (const { reason } of tuned!.rejected) expect(reason).toContain('differs from the heuristic');
  });

  it('passes over kernels that do not compile', async () => {
    const broken = altered('cpu-broken', (kernels) => kernels.map((k) => ({ ...k, constants: { nowhere: 1 } })));
    const absent = altered('cpu-absent', (kernels) => kernels.map((k) => ({ ...k, shader: 'matmul/nowhere' })));
    variants.splice(0, variants.length, slow, broken, absent, twice);
    const [tuned] = await tune(openTable());
    expect(tuned!.rejected.map((r) => r.choice.variant)).toEqual(['cpu-broken', 'cpu-absent']);
    expect(tuned!.choice.variant).toBe('cpu-twice');
  });

  it('measures what the table knows only when asked again', async () => {
    variants.splice(0, variants.length, slow, twice);
    const table = openTable();
    expect((await tune(table)).length).toBe(1);
    expect((await tune(table)).length).toBe(0);
    expect((await tune(openTable(), {}, [graph(2), graph(1, 48)])).length).toBe(1);
    expect((await tune(table, { measure: 'all' })).length).toBe(1);
  });

  it('goes on with what time did not suffice for, when asked', async () => {
    variants.splice(0, variants.length, slow, twice);
    const table = openTable();
    const { shape, graph: single, choices } = tuningTasks([{ graph: graph(), runs: 1 }], runtime.caps, true)[0]!;
    const timer = new KernelTimer(runtime);
    const hurried = await searchChoice(timer, single, runtime.caps, choices, { budgetMs: 0 });
    timer.destroy();
    expect(hurried).toMatchObject({ left: 1, timed: [{ choice: { variant: 'cpu-slow' } }] });
    const { choice, ms, heuristicMs, left } = hurried;
    table.set('linear', shape, { choice, ms, heuristic: choice, heuristicMs, untried: left });
    await table.save();
    expect((await tune(openTable())).length).toBe(0);
    expect((await tune(openTable(), { measure: 'unfinished' }))[0]!.choice.variant).toBe('cpu-twice');
    expect((await tune(openTable(), { measure: 'unfinished' })).length).toBe(0);
  });

  it('keeps what was measured when it is stopped', async () => {
    variants.splice(0, variants.length, slow, twice);
    const table = openTable();
    const stop = new AbortController();
    const stopped = tune(
      table,
      {
        signal: stop.signal,
        onProgress: ({ done }) => {
          if (done === 1) stop.abort();
        },
      },
      [graph(1, 32), graph(1, 48), graph(1, 64)],
    );
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(openTable().size).toBe(1);
  });

  it('settles the costly classes first, and none for which there is no time', async () => {
    variants.splice(0, variants.length, slow, twice);
    const tuned = await tune(openTable(), {}, [graph(1, 8), graph(1, 512)]);
    expect(tuned.map((t) => t.shape.includes('outFeatures:512'))).toEqual([true, false]);
    expect((await tune(openTable(), { budgetMs: 0, measure: 'all' })).length).toBe(0);
  });
});

describe('Ranking', () => {
  const choice = (variant: string, tile: number) => ({ variant, tuning: { TILE: tile } });
  const [a, b, c, d, e] = [choice('x', 1), choice('x', 2), choice('y', 1), choice('y', 2), choice('z', 1)];

  it('puts first what did well elsewhere, behind the choice of the rules', () => {
    const ranking = new Ranking();
    expect(ranking.order('linear', [a, b, c, d])).toEqual([a, b, c, d]);
    ranking.learn('linear', [
      { choice: a, ms: 4 },
      { choice: b, ms: 3 },
      { choice: c, ms: 1 },
    ]);
    ranking.learn('linear', [
      { choice: b, ms: 1 },
      { choice: c, ms: 1.1 },
    ]);
    // d is unknown: it counts as its variant; e, of an unknown variant, as the fastest.
    expect(ranking.order('linear', [a, b, d, c, e])).toEqual([a, e, d, c, b]);
    expect(ranking.order('conv2d', [a, b, c])).toEqual([a, b, c]);
  });
});

describe('what there is to tune', () => {
  it('leaves kernels for GPUs out on CPU drivers unless asked for, and what has one kernel altogether', () => {
    const g = new GraphBuilder('test', { dtype: 'f32' });
    const x = g.input('x', [1, 40, 64]);
    g.output('y', g.clamp(g.linear(x, g.linearWeight(64, [32], ['w']), null, 32), -1, 1));
    const caps = { ...runtime.caps, software: true, subgroupSize: 8, subgroups: true };
    const names = (all: boolean): string[] => {
      const tasks = tuningTasks([{ graph: g.build(), runs: 3 }], caps, all);
      expect(tasks.every((t) => t.op === 'linear' && t.runs === 3)).toBe(true);
      return [...new Set(tasks.flatMap((t) => t.choices.map((c) => c.variant)))];
    };
    variants.splice(0, variants.length, ...original.filter((v) => ['cpu', 'portable'].includes(v.name)));
    variants.push(twice);
    expect(names(false)).toEqual(['cpu', 'cpu-twice']);
    expect(names(true)).toEqual(['cpu', 'portable', 'cpu-twice']);
  });

  it('begins with what compileGraph would choose by rules, whatever else is there', () => {
    const hardware = { ...runtime.caps, software: false, subgroupSize: 32, subgroups: true, subgroupMaxSize: 32 };
    const config = { M: 16, N: 16, K: 16, componentType: 'f16', resultComponentType: 'f32' };
    for (const caps of [runtime.caps, hardware, { ...runtime.caps, matrixConfigs: [config] }])
      for (const all of [false, true])
        for (const op of ['f32', 'f16'] as const) {
          const g = new GraphBuilder('test', { dtype: op });
          const h = g.linear(g.input('x', [1, 64, 64]), g.linearWeight(64, [64], ['w']), null, 64);
          g.output('y', g.groupNorm(h, g.vectorWeight([64], ['g']), g.vectorWeight([64], ['b']), 4, 1e-5));
          const usable = { ...caps, f16: true };
          const rules = new Map(compileGraph(g.build(), usable).nodes.map((n) => [n.record.name, n]));
          for (const task of tuningTasks([{ graph: g.build(), runs: 1 }], usable, all)) {
            const { variant, tuning } = rules.get(task.op)!;
            expect(task.choices[0]).toEqual({ variant, tuning });
          }
        }
  });

  it('counts a difference beyond twice the tolerance, NaN and absent values', () => {
    const tolerance = { relL2: 1e-3, maxAbs: 1e-2 };
    const y = Float32Array.of(1, 2, 3);
    const off = (d: number) => disagreement({ y: y.map((v) => v + d) }, { y }, tolerance);
    expect(off(0)).toBeUndefined();
    expect(off(1e-3)).toBeUndefined();
    expect(off(1e-2)).toContain('differs');
    expect(off(Number.NaN)).toContain('differs');
    expect(disagreement({}, { y }, tolerance)).toContain('missing');
  });
});
