import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GraphBuilder, type T } from '../../src/ts/graph/builder.js';
import { type CompiledGraph, compileGraph } from '../../src/ts/graph/compile.js';
import type { ActivationDType } from '../../src/ts/graph/types.js';
import { addon } from '../../src/ts/native/addon.js';
import { KernelTimer } from '../../src/ts/runtime/kernel-timer.js';
import { randomInput, randomInputBytes, randomWeights, uniform } from '../../src/ts/runtime/random-data.js';
import { Runtime } from '../../src/ts/runtime/runtime.js';
import { fromHalfArray, toHalfArray } from '../../src/ts/util/half.js';
import { jsWeights } from '../support/js-weights.js';
import { errors } from '../support/op-harness.js';

let runtime: Runtime;
let timer: KernelTimer;
beforeAll(async () => {
  runtime = await Runtime.open();
  timer = new KernelTimer(runtime);
});
afterAll(async () => {
  timer.destroy();
  await runtime.close();
});

const compile = (body: (g: GraphBuilder) => T, dtype: ActivationDType = 'f32', variants?: string): CompiledGraph => {
  const g = new GraphBuilder('timed', { dtype });
  g.output('y', body(g));
  return compileGraph(g.build(), runtime.device.caps, { variants });
};

const linear = (rows: number, k = 64, n = 96) =>
  compile((g) => g.linear(g.input('x', [1, rows, k]), g.linearWeight(k, [n], ['w']), g.vectorWeight([n], ['b']), n));

describe('KernelTimer', () => {
  it('takes as many samples as asked, each a positive time, and more time for more work', async () => {
    const times: number[] = [];
    for (const rows of [8, 2048]) {
      const compiled = linear(rows);
      const operands = await timer.operands(compiled, randomWeights(), { rotateBytes: 2 ** 22 });
      const timing = await timer.time(compiled, operands, { samples: 24 });
      operands.destroy();
      expect(timing.samplesMs.length).toBe(24);
      expect(timing.minMs).toBeGreaterThan(0);
      expect(timing.minMs).toBeLessThanOrEqual(timing.p10Ms);
      expect(timing.p10Ms).toBeLessThanOrEqual(timing.medianMs);
      expect(timing.medianMs).toBeLessThanOrEqual(timing.p90Ms);
      expect(timing.firstMs).toBeGreaterThan(timing.minMs);
      times.push(timing.minMs);
    }
    // 256 times the work: anything below 4 times the time would be a timer that measures something else.
    expect(times[1]!).toBeGreaterThan(4 * times[0]!);
  });

  it('repeats short runs until a sample is long enough, and long ones not', async () => {
    const compiled = linear(1);
    const operands = await timer.operands(compiled, randomWeights(), { rotateBytes: 2 ** 20 });
    const short = await timer.time(compiled, operands, { samples: 2, minSampleMs: 1 });
    const long = await timer.time(compiled, operands, { samples: 2, minSampleMs: 0 });
    operands.destroy();
    expect(short.repeats).toBeGreaterThan(1);
    expect(long.repeats).toBe(1);
  });

  it('takes fewer samples where time is short', async () => {
    const compiled = linear(2048);
    const operands = await timer.operands(compiled, randomWeights(), { rotateBytes: 2 ** 20 });
    const { samplesMs } = await timer.time(compiled, operands, { samples: 50, maxMs: 0, minSamples: 4 });
    operands.destroy();
    expect(samplesMs.length).toBe(4);
  });

  it('spends one sample on what is slower than asked for', async () => {
    const compiled = linear(512);
    const operands = await timer.operands(compiled, randomWeights(), { rotateBytes: 1 });
    const { samplesMs } = await timer.time(compiled, operands, { samples: 9, giveUpMs: 1e-6 });
    const { samplesMs: all } = await timer.time(compiled, operands, { samples: 9, giveUpMs: 1e6 });
    operands.destroy();
    expect([samplesMs.length, all.length]).toEqual([1, 9]);
  });

  it('rotates over as many sets as exceed the cache, at least two, within the budget', async () => {
    const compiled = linear(64);
    const set = (64 * (64 + 96) + 64 * 96 + 128) * 4;
    const counts: number[] = [];
    for (const options of [
      { rotateBytes: 10 * set },
      { rotateBytes: 1 },
      { rotateBytes: 100 * set, maxSets: 7 },
      { rotateBytes: 100 * set, budgetBytes: 3.5 * set },
    ]) {
      const operands = await timer.operands(compiled, randomWeights(), options);
      expect(operands.setBytes).toBe(set);
      expect(operands.bytes).toBe(operands.count * set);
      counts.push(operands.count);
      operands.destroy();
      expect(operands.bytes).toBe(0);
    }
    expect(counts).toEqual([10, 2, 7, 3]);
    await expect(timer.operands(compiled, randomWeights(), { budgetBytes: set - 1 })).rejects.toMatchObject({
      code: 'GPU_OUT_OF_MEMORY',
    });
  });

  it.each(['f32', 'f16'] as const)(
    'hands back a result that agrees with fp64, %s, whichever set ran',
    async (dtype) => {
      if (dtype === 'f16' && !runtime.device.caps.f16) return;
      const [rows, k, n] = [9, 20, 7];
      const w = Float32Array.from({ length: n * k }, (_, i) => Math.fround(((i * 37) % 64) / 64 - 0.5));
      const compiled = compile(
        (g) => g.linear(g.input('x', [1, rows, k]), g.linearWeight(k, [n], ['w']), null, n),
        dtype,
      );
      const operands = await timer.operands(compiled, jsWeights({ w }));
      const x = operands.inputValues('x') as Float32Array;
      const expected = addon().linear(x, w, null, { m: rows, n, k });
      const before = await timer.run(compiled, operands);
      await timer.time(compiled, operands, { samples: 2 });
      const after = await timer.run(compiled, operands);
      operands.destroy();
      expect(errors(before.y!, expected).relL2).toBeLessThan(dtype === 'f32' ? 1e-6 : 1e-3);
      expect(after.y).toEqual(before.y);
    },
  );

  it('takes values for inputs, and runs graphs of several kernels with temporaries', async () => {
    const x = Float32Array.from({ length: 2 * 16 * 8 }, (_, i) => Math.sin(i));
    const compiled = compile((g) =>
      g.groupNorm(g.input('x', [2, 16, 8]), g.vectorWeight([8], ['g']), g.vectorWeight([8], ['b']), 2, 1e-5),
    );
    const [gamma, beta] = [new Float32Array(8).fill(2), new Float32Array(8).fill(0.5)];
    const operands = await timer.operands(compiled, jsWeights({ g: gamma, b: beta }), { inputs: { x } });
    const { y } = await timer.run(compiled, operands);
    const timing = await timer.time(compiled, operands, { samples: 3 });
    operands.destroy();
    const sizes = { batch: 2, length: 16, channels: 8, groups: 2, eps: 1e-5 };
    expect(errors(y!, addon().groupNorm(x, gamma, beta, sizes)).relL2).toBeLessThan(1e-5);
    expect(timing.minMs).toBeGreaterThan(0);
  });

  it('runs every op kind that needs special operands: indices, steps in place', async () => {
    const ids = compile((g) => g.embedding(g.input('ids', [1, 9], 'u32'), g.copyWeight([5, 8], 'table'), null));
    const operands = await timer.operands(ids, randomWeights());
    const values = operands.inputValues('ids');
    expect(Math.max(...values)).toBeLessThan(5);
    const { y } = await timer.run(ids, operands);
    operands.destroy();
    expect(y!.every(Number.isFinite)).toBe(true);

    const g = new GraphBuilder('step', { dtype: 'f32' });
    const latents = g.input('latents', [1, 16, 3], 'f32');
    const x0 = g.state('x0', [1, 16, 3]);
    const out = g.input('out', [1, 16, 3]);
    g.diffusionStep(out, latents, g.input('noise', [1, 16, 3], 'f32'), g.input('p', [1, 16], 'f32'), x0);
    const step = compileGraph(g.build(), runtime.device.caps);
    const states = await timer.operands(step, randomWeights());
    const first = await timer.run(step, states);
    await timer.time(step, states, { samples: 2 });
    expect(await timer.run(step, states)).toEqual(first);
    states.destroy();
  });

  it('falls back to the wall clock', async () => {
    const wall = new KernelTimer(runtime, { clock: 'wall' });
    const compiled = linear(512);
    const operands = await wall.operands(compiled, randomWeights(), { rotateBytes: 2 ** 20 });
    const timing = await wall.time(compiled, operands, { samples: 3 });
    operands.destroy();
    wall.destroy();
    expect(timing.clock).toBe('wall');
    expect(timing.minMs).toBeGreaterThan(0);
  });

  it('gives its memory back', async () => {
    const compiled = linear(2048);
    const rss: number[] = [];
    for (let i = 0; i < 7; i++) {
      const operands = await timer.operands(compiled, randomWeights(), { rotateBytes: 64 * 2 ** 20 });
      expect(operands.bytes).toBeGreaterThan(64 * 2 ** 20 - 1);
      await timer.time(compiled, operands, { samples: 2, minSampleMs: 0 });
      await timer.run(compiled, operands);
      operands.destroy();
      await runtime.device.idle();
      rss.push(process.memoryUsage.rss());
    }
    // A set of sets is 64 MiB; five more of them, kept, would be 320 MiB.
    expect(rss.at(-1)! - rss[1]!).toBeLessThan(100 * 2 ** 20);
  });

  it('says with a code what went wrong', async () => {
    const compiled = linear(8);
    const operands = await timer.operands(compiled, randomWeights(), { rotateBytes: 1 });
    const broken = withKernels(compiled, (kernel) => ({ ...kernel, constants: { nowhere: 1 } }));
    await expect(timer.time(broken, operands)).rejects.toMatchObject({ code: 'GPU_SHADER_INVALID' });
    const lost = await Runtime.open();
    const other = new KernelTimer(lost);
    const there = await other.operands(compiled, randomWeights(), { rotateBytes: 1 });
    lost.device.gpu.destroy();
    await lost.device.gpu.lost;
    await expect(other.time(compiled, there)).rejects.toMatchObject({ code: 'GPU_DEVICE_LOST' });
    operands.destroy();
  });
});

type AnyKernel = CompiledGraph['nodes'][number]['kernels'][number];

const withKernels = (c: CompiledGraph, change: (kernel: AnyKernel) => AnyKernel): CompiledGraph => ({
  ...c,
  nodes: c.nodes.map((n) => ({ ...n, kernels: n.kernels.map(change) })),
});

describe('random weights', () => {
  const request = { sources: ['w'], packing: 'transpose', sourceShapes: [[6, 64]] } as const;
  const pack = (quantized?: 'values' | 'scales', seed = 1): Uint8Array => {
    const bytes = new Uint8Array(quantized === 'values' ? 64 * 8 : quantized === 'scales' ? 8 * 4 : 64 * 8 * 4);
    randomWeights(seed).pack({ ...request, quantized }, bytes, 'f32');
    return bytes;
  };
  const variance = (values: number[]): number => values.reduce((sum, v) => sum + v * v, 0) / values.length;

  it('keeps products near unit variance, in full and in 8 bits, with padding of zeros', () => {
    const full = new Float32Array(pack().buffer);
    const values = new Int8Array(pack('values').buffer);
    const scales = new Float32Array(pack('scales').buffer);
    const quantized = Float32Array.from(values, (v, i) => v * scales[i % 8]!);
    for (const matrix of [full, quantized]) {
      expect(64 * variance([...matrix].filter((_, i) => i % 8 < 6))).toBeCloseTo(1, 0);
      expect([...matrix].filter((_, i) => i % 8 >= 6).every((v) => v === 0)).toBe(true);
    }
    expect(Math.max(...values.map(Math.abs))).toBeGreaterThan(110);
  });

  it('fill large tensors alike, in every type', () => {
    const count = 3_000_001;
    const values = uniform(count, 3);
    expect(variance([...values.subarray(2_000_000, 2_100_000)])).toBeCloseTo(1, 1);
    expect(values[7]).toBe(values[7 + 1048573]);
    expect(new Set(values.subarray(0, 1000)).size).toBeGreaterThan(990);
    const compiled = compile((g) => g.clamp(g.input('x', [1, count]), -9, 9), 'f16');
    const stored = new Uint16Array(randomInputBytes(compiled, 0, 3).buffer).subarray(0, count);
    // By bytes: vitest compares arrays of millions for minutes.
    const bytes = (a: Uint16Array | Float32Array): Buffer => Buffer.from(a.buffer, a.byteOffset, a.byteLength);
    expect(bytes(stored).equals(bytes(toHalfArray(values)))).toBe(true);
    expect(bytes(randomInput(compiled, 0, 3) as Float32Array).equals(bytes(fromHalfArray(stored)))).toBe(true);
  });

  it('are the same for the same seed alone', () => {
    expect(pack()).toEqual(pack());
    expect(pack(undefined, 2)).not.toEqual(pack());
  });
});
