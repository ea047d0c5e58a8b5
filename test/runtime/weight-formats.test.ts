import { afterAll, expect, test } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { quantizeWeights } from '../../src/ts/graph/quantize.js';
import { addon } from '../../src/ts/native/addon.js';
import { Runtime } from '../../src/ts/runtime/runtime.js';
import { jsWeights } from '../support/js-weights.js';
import { errors, randomArray } from '../support/op-harness.js';
import { quantize } from '../support/quantized.js';

const runtime = await Runtime.open();
afterAll(() => runtime.close());

test('one network has its weights whole and in 8 bits at once, and each program reads its own', async () => {
  const [m, k, n] = [5, 48, 36];
  const x = randomArray(m * k, 1);
  const w = randomArray(n * k, 2);
  const g = new GraphBuilder('both', { dtype: 'f32' });
  g.output('y', g.linear(g.input('x', [1, m, k]), g.linearWeight(k, [n], ['w']), null, n));
  const full = g.build();
  const source = jsWeights({ w });
  const programs = [full, quantizeWeights(full)].map((graph) => runtime.program('network', graph, source));
  for (const program of programs) {
    program.state('x').write(x);
    await program.prepare();
  }
  runtime.submit(programs);
  const [whole, q8] = await Promise.all(programs.map((program) => program.state('y').read()));
  const reference = (weights: Float32Array | Float64Array) => addon().linear(x, weights, null, { m, n, k });
  expect(errors(whole!, reference(w)).relL2).toBeLessThan(1e-6);
  expect(errors(q8!, reference(quantize(w, n).restored)).relL2).toBeLessThan(1e-6);
  expect(errors(q8!, reference(w)).relL2).toBeGreaterThan(1e-3);
  for (const program of programs) program.destroy();
});
