import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { attributeCheckerGraph, parseAttributeCheckerConfig } from '../../src/ts/models/attribute-checker.js';
import { Runtime } from '../../src/ts/runtime/runtime.js';
import { jsWeights } from '../support/js-weights.js';
import { errors, randomArray } from '../support/op-harness.js';
import { checkerForward } from './attribute-checker-reference.js';

const CONFIG = {
  model_type: 'attribute_checker',
  image_size: 16,
  in_channels: 3,
  channels: [6, 12],
  features: 10,
  norm_num_groups: 3,
  norm_eps: 1e-5,
  hidden_act: 'silu',
  input_range: [-1, 1],
  heads: { thing: ['ball', 'cube', 'cone', 'star', 'car'], colour: ['red', 'green'] },
  held_out_accuracy: { all: 1 },
};

/** Against plain JavaScript in f64. Measured: 2e-7. */
const REL_L2 = 1e-5;

describe('config of the attribute checker', () => {
  it('is taken as training writes it, with defaults', () => {
    const config = parseAttributeCheckerConfig(CONFIG);
    expect(config.heads.colour).toEqual(['red', 'green']);
    const { in_channels, norm_eps, hidden_act, input_range, held_out_accuracy, ...short } = CONFIG;
    expect(parseAttributeCheckerConfig(short)).toEqual(config);
  });

  it.each([
    ['image_size', { image_size: 32 }],
    ['norm_num_groups', { norm_num_groups: 4 }],
    ['hidden_act', { hidden_act: 'relu' }],
    ['heads', { heads: {} }],
    ['model_type', { model_type: 'clip' }],
    ['dropout', { dropout: 0.1 }],
  ])('names the key %s when its value is not supported', (key, change) => {
    expect(() => parseAttributeCheckerConfig({ ...CONFIG, ...change })).toThrow(
      expect.objectContaining({ code: 'MODEL_CONFIG_INVALID', message: expect.stringContaining(key) }),
    );
  });
});

describe('graph of the attribute checker', () => {
  it('has one output a head and halves the side in every stage', () => {
    const { tensors, inputs, outputs, nodes } = attributeCheckerGraph(parseAttributeCheckerConfig(CONFIG), {
      batch: 2,
      dtype: 'f32',
    });
    expect(tensors[inputs.pixels!]!.shape).toEqual([2, 16, 16, 3]);
    expect(tensors[outputs['logits.thing']!]!.shape).toEqual([2, 5]);
    expect(tensors[outputs['logits.colour']!]!.shape).toEqual([2, 2]);
    const convolutions = nodes.filter((n) => n.op === 'conv2d').map((n) => tensors[n.outputs[0]!]!.shape);
    expect(convolutions).toEqual([
      [2, 8, 8, 6],
      [2, 4, 4, 12],
      [2, 1, 1, 10],
    ]);
  });
});

describe('the attribute checker on the device', () => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await Runtime.open();
  });
  afterAll(() => runtime?.destroy());

  it('gives the logits of a plain forward pass', async () => {
    const batch = 3;
    const config = parseAttributeCheckerConfig(CONFIG);
    const graph = attributeCheckerGraph(config, { batch, dtype: 'f32' });
    let seed = 1;
    const weights: Record<string, Float32Array> = {};
    for (const { weight } of graph.tensors)
      if (weight !== undefined) {
        const shape = weight.sourceShapes[0]!;
        const fanIn = shape.slice(1).reduce((a, b) => a * b, 1);
        const length = shape[0]! * fanIn;
        weights[weight.sources[0]!] = randomArray(length, seed++).map((v) => v / Math.sqrt(fanIn));
      }
    const program = runtime.program('checker', graph, jsWeights(weights));
    const pixels = randomArray(batch * 16 * 16 * 3, 99);
    program.state('pixels').write(pixels);
    await program.prepare();
    runtime.submit([program]);
    for (const name of Object.keys(config.heads)) {
      const wanted = checkerForward(config, weights, pixels, batch)[name]!;
      const { relL2 } = errors(await program.state(`logits.${name}`).read(), wanted);
      expect(relL2, name).toBeLessThan(REL_L2);
    }
    program.destroy();
  });
});
