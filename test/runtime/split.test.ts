import { afterAll, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import type { Graph } from '../../src/ts/graph/types.js';
import { Runtime } from '../../src/ts/runtime/runtime.js';
import { jsWeights } from '../support/js-weights.js';
import { randomArray } from '../support/op-harness.js';

const [B, H, W, C] = [3, 16, 16, 16];

/** Norm, convolution with residual and per-image bias, attention, concat: every kind of operand there is. */
function graph(): Graph {
  const g = new GraphBuilder('split', { dtype: 'f32' });
  const x = g.input('x', [B, H, W, C]);
  const emb = g.input('emb', [B, C]);
  const vector = (name: string, n = C) => g.vectorWeight([n], [name]);
  const conv = { outChannels: C, kernel: 3, pad: 1 };
  const h = g.activation(g.groupNorm(x, vector('gamma'), vector('beta'), 4, 1e-5), 'silu');
  const mixed = g.add(x, g.add(g.conv2d(h, g.convWeight(C, C, 3, 'conv'), vector('bias'), conv), emb));
  const q = g.linear(mixed, g.linearWeight(C, [C], ['q']), null, C);
  const kv = g.linear(mixed, g.linearWeight(C, [2 * C], ['kv']), null, 2 * C);
  const attended = g.attention(q, kv, { heads: 2, scale: 0.35 });
  g.output('y', g.concat([g.add(mixed, g.layerNorm(attended, vector('lg'), vector('lb'), 1e-5)), mixed], -1));
  return g.build();
}

const weights = jsWeights({
  gamma: randomArray(C, 1),
  beta: randomArray(C, 2),
  conv: randomArray(C * C * 9, 3),
  bias: randomArray(C, 4),
  q: randomArray(C * C, 5),
  kv: randomArray(2 * C * C, 6),
  lg: randomArray(C, 7),
  lb: randomArray(C, 8),
});

const runtimes: Runtime[] = [];
afterAll(() => {
  for (const runtime of runtimes) runtime.destroy();
});

async function run(maxBindingBytes?: number): Promise<{ y: Float32Array; dispatches: number }> {
  const runtime = await Runtime.open(maxBindingBytes === undefined ? {} : { caps: { maxBindingBytes } });
  runtimes.push(runtime);
  const program = runtime.program('split', graph(), weights);
  program.state('x').write(randomArray(B * H * W * C, 9));
  program.state('emb').write(randomArray(B * C, 10));
  await program.prepare();
  runtime.submit([program]);
  return { y: await program.state('y').read(), dispatches: program.compiled.dispatches };
}

describe('a tensor larger than one binding may be', () => {
  it('is cut by images, with the same result to the bit', async () => {
    const whole = await run();
    const image = H * W * 2 * C * 4;
    const cut = await run(image);
    expect(cut.dispatches).toBeGreaterThan(whole.dispatches);
    expect(Buffer.from(cut.y.buffer)).toEqual(Buffer.from(whole.y.buffer));
    expect(whole.y.every(Number.isFinite)).toBe(true);
  });

  it('is refused, with its size, where even one image is too large', async () => {
    await expect(run(H * W * C * 2)).rejects.toMatchObject({ code: 'GPU_LIMIT_EXCEEDED' });
  });
});
