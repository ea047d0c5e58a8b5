import { describe, expect, test } from 'vitest';
import { addon } from '../../src/ts/native/addon.js';
import { linear } from '../../src/ts/ops/matmul/linear.js';
import { groupNorm } from '../../src/ts/ops/norm/group-norm.js';
import { layerNorm } from '../../src/ts/ops/norm/layer-norm.js';
import { errors, randomArray, runOp, testRuntime } from '../support/op-harness.js';

/** What an adapter says whose subgroups have one of several sizes, known only when a kernel runs. */
const VARYING = { subgroupSize: 0, subgroupMaxSize: 32 };

const { subgroups } = (await testRuntime()).device.caps;

describe.runIf(subgroups)('subgroups of varying size', () => {
  test.each([
    [3, 130, 68],
    [16, 36, 40],
    [1, 257, 7],
  ])('linear %i×%i→%i', async (m, k, n) => {
    const [x, w] = [randomArray(2 * m * k, 1), randomArray(n * k, 2).map((v) => v / Math.sqrt(k))];
    const { output, ran } = await runOp({
      build: (g) => g.linear(g.input('x', [2, m, k]), g.linearWeight(k, [n], ['w']), null, n),
      inputs: { x },
      weights: { w },
      variants: { linear: 'subgroup' },
      caps: VARYING,
    });
    expect(ran).toEqual(['linear:subgroup']);
    const { relL2 } = errors(output, addon().linear(x, w, null, { m: 2 * m, n, k }));
    expect(relL2).toBeLessThan(linear.tolerance.f32.relL2);
  });

  test.each([
    [70, 128],
    [3, 640],
    [5, 33],
  ])('layer norm %i×%i', async (rows, channels) => {
    const [x, gamma] = [randomArray(rows * channels, 1), randomArray(channels, 2)];
    const { output } = await runOp({
      build: (g) => g.layerNorm(g.input('x', [rows, channels]), g.vectorWeight([channels], ['gamma']), null, 1e-5),
      inputs: { x },
      weights: { gamma },
      variants: { layerNorm: 'subgroup' },
      caps: VARYING,
    });
    const { relL2 } = errors(output, addon().layerNorm(x, gamma, null, { rows, channels, eps: 1e-5 }));
    expect(relL2).toBeLessThan(layerNorm.tolerance.f32.relL2);
  });

  test.each([
    [9, 24, 2],
    [17, 20, 2],
    [33, 32, 4],
  ])('group norm %i² × %i, %i groups', async (size, channels, groups) => {
    const length = size * size;
    const x = randomArray(2 * length * channels, 1).map((v, i) => v + (i % channels));
    const [gamma, beta] = [randomArray(channels, 2), randomArray(channels, 3)];
    const { output } = await runOp({
      build: (g) => {
        const vectors = [g.vectorWeight([channels], ['gamma']), g.vectorWeight([channels], ['beta'])] as const;
        return g.groupNorm(g.input('x', [2, size, size, channels]), ...vectors, groups, 1e-5);
      },
      inputs: { x },
      weights: { gamma, beta },
      variants: { groupNorm: 'subgroup' },
      caps: VARYING,
    });
    const reference = addon().groupNorm(x, gamma, beta, { batch: 2, length, channels, groups, eps: 1e-5 });
    expect(errors(output, reference).relL2).toBeLessThan(groupNorm.tolerance.f32.relL2);
  });
});
