import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compileGraph } from '../../src/ts/graph/compile.js';
import type { Graph } from '../../src/ts/graph/types.js';
import { gumbel, parsePriorArConfig, topHalfScoreToken, unknownScoreToken } from '../../src/ts/models/prior-ar.js';
import {
  priorArCacheName,
  priorArFinishGraph,
  priorArForwardGraph,
  priorArPreludeGraph,
  priorArStepGraph,
} from '../../src/ts/models/prior-ar-graphs.js';
import { TorchGenerator } from '../../src/ts/native/torch-generator.js';
import type { Program } from '../../src/ts/runtime/program.js';
import { Runtime } from '../../src/ts/runtime/runtime.js';
import { readModelJson } from '../../src/ts/util/json-file.js';
import { openWeights } from '../../src/ts/weights/weights.js';
import { GPU } from '../support/gpu-caps.js';
import { errors } from '../support/op-harness.js';
import { readSafetensors } from '../support/safetensors.js';

/** What training/make_ar_prior_fixture.py wrote: a tiny random model, and PyTorch's results in f32. */
const FIXTURE = join(import.meta.dirname, '..', 'fixtures', 'prior-ar');
const golden = readSafetensors(join(FIXTURE, 'golden.safetensors'));
const config = parsePriorArConfig(readModelJson(join(FIXTURE, 'prior_ar', 'config.json')));
const { num_codes: codes, num_buckets: buckets, num_scores: scores, num_embeddings: words } = config;
const batch = golden.get('seeds').shape[0]!;
const rows = 2 * batch;

const mask = Float32Array.from(golden.numbers('mask'), (word) => (word === 1 ? 0 : -10000));
const text = { textEmbeds: golden.f32('text_embeds'), textHidden: golden.f32('hidden_states'), mask };

/** Measured: 1e-6 and below. */
const REL_L2 = 1e-5;

describe('the autoregressive prior against PyTorch', () => {
  let runtime: Runtime;
  const weights = openWeights(join(FIXTURE, 'prior_ar'));
  beforeAll(async () => {
    runtime = await Runtime.open();
  });
  afterAll(async () => {
    await runtime?.close();
    weights.close();
  });

  const program = (graph: Graph, ...before: Program[]): Program => {
    const shared = Object.fromEntries(
      before.flatMap((p) => {
        const names = [...Object.keys(p.compiled.graph.inputs), ...Object.keys(p.compiled.graph.outputs)];
        return names.map((name) => [name, p.state(name)]);
      }),
    );
    return runtime.program('prior_ar', graph, weights, shared);
  };
  const run = async (p: Program): Promise<void> => {
    await p.prepare();
    runtime.submit([p]);
  };

  it('gives the logits of given codes in one pass', async () => {
    const forward = program(priorArForwardGraph(config, { batch: rows, dtype: 'f32' }));
    for (const [name, values] of Object.entries(text)) forward.state(name).write(values);
    forward.state('tokens').write(Uint32Array.from(golden.numbers('tokens')));
    await run(forward);
    const { relL2 } = errors(await forward.state('logits').read(), golden.f32('forward'));
    expect(relL2).toBeLessThan(REL_L2);
  });

  it('draws the same codes from the same seeds, with the logits of every step, and the embedding they stand for', async () => {
    const options = { batch, guided: true, dtype: 'f32' } as const;
    const prelude = program(priorArPreludeGraph(config, options));
    const step = program(priorArStepGraph(config, options), prelude);
    const finish = program(priorArFinishGraph(config, options), step);
    const noise = new Float32Array(batch * codes * buckets);
    const choices = [...golden.numbers('seeds')].map((seed, k) => {
      const generator = new TorchGenerator(seed);
      const choice = generator.rand([1])[0]!;
      noise.set(gumbel(generator.rand([codes, buckets])), k * codes * buckets);
      return choice;
    });
    for (const [name, values] of Object.entries(text)) prelude.state(name).write(values);
    // What lies in a cache from another picture is never read.
    const cache = prelude.state(priorArCacheName(1));
    cache.write(new Float32Array(cache.bytes / 4).fill(Number.NaN));
    prelude.state('position').write(new Uint32Array(rows));
    await run(prelude);
    step.state('position').write(new Uint32Array(rows).fill(words + 1));
    step.state('noise').write(noise);
    step.state('settings').write(golden.f32('settings'));
    const known = choices.map((choice) => topHalfScoreToken(config, choice));
    step.state('tokens').write(Uint32Array.from([...known.map(() => unknownScoreToken(config)), ...known]));
    const wanted = golden.f32('step_logits');
    for (let k = 0; k < codes; k++) {
      await run(step);
      const logits = await step.state('logits').read();
      const own = Float32Array.from(logits, (_, i) => {
        const [row, v] = [Math.floor(i / buckets), i % buckets];
        return wanted[(row * codes + k) * buckets + v]!;
      });
      expect(errors(logits, own).relL2, `logits of code ${k}`).toBeLessThan(REL_L2);
    }
    expect([...(await step.state('codes').readWords())]).toEqual([...golden.numbers('codes')]);
    await run(finish);
    const { relL2 } = errors(await finish.state('imageEmbeds').read(), golden.f32('image_embeds'));
    expect(relL2).toBeLessThan(REL_L2);
  });
});

it('keeps the number of dispatches per step', () => {
  const options = { batch: 1, guided: true, dtype: 'f16' } as const;
  const full = { ...config, num_layers: 4, num_attention_heads: 4, attention_head_dim: 32, embedding_dim: 128 };
  const count = (graph: Graph): number => compileGraph(graph, GPU).dispatches;
  expect({
    prelude: count(priorArPreludeGraph(full, options)),
    step: count(priorArStepGraph(full, options)),
    finish: count(priorArFinishGraph(full, options)),
  }).toMatchInlineSnapshot(`
    {
      "finish": 2,
      "prelude": 36,
      "step": 40,
    }
  `);
});

describe('scores', () => {
  it('come from the upper half of the training distribution', () => {
    expect(topHalfScoreToken(config, 0)).toBe(buckets + 2);
    expect(topHalfScoreToken(config, 1 - 2 ** -24)).toBe(buckets + scores - 1);
    expect(unknownScoreToken(config)).toBe(buckets + scores);
  });

  it('have finite noise beside them, whatever is drawn', () => {
    expect([...gumbel(Float32Array.from([0, 0.5, 1 - 2 ** -24]))].every(Number.isFinite)).toBe(true);
  });
});
