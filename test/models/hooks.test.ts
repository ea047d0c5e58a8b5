import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/ts/graph/types.js';
import { clipTextGraph } from '../../src/ts/models/clip-text.js';
import { clipVisionGraph } from '../../src/ts/models/clip-vision.js';
import { decoderForwardGraph } from '../../src/ts/models/decoder-graphs.js';
import { loadUnclipModel } from '../../src/ts/models/model-index.js';
import { priorForwardGraph } from '../../src/ts/models/prior-graphs.js';
import { superResForwardGraph } from '../../src/ts/models/super-res-graphs.js';
import { golden, goldenFolder } from '../support/golden.js';
import { readSafetensors } from '../support/safetensors.js';

/** NCHW → NHWC; other shapes stay. */
const channelsLast = (s: readonly number[]): readonly number[] => (s.length === 4 ? [s[0]!, s[2]!, s[3]!, s[1]!] : s);

/** Every `hook.*` (or `hidden_states.*`) tensor of the file is an output of the graph, of the same shape. */
function expectHooks(graph: Graph, file: string, prefix: string): void {
  const stored = readSafetensors(file);
  const hooks = stored.names.filter((n) => n.startsWith(prefix));
  expect(hooks.length).toBeGreaterThan(0);
  for (const name of hooks) {
    const hook = name.startsWith('hook.') ? name : `hook.${name.slice(name.indexOf('hidden_states'))}`;
    const id = graph.outputs[hook];
    expect(id, hook).toBeDefined();
    expect(graph.tensors[id!]!.shape, hook).toEqual(channelsLast(stored.get(name).shape));
    const root = graph.tensors[graph.tensors[id!]!.aliasOf ?? id!]!;
    expect(root.kind, hook).toBe('state');
  }
}

describe.skipIf(goldenFolder === undefined).each(['unclip-t2i', 'unclip-i2i'])('hooks of %s', (name) => {
  const model = () => loadUnclipModel(golden(name, 'model'));
  const options = (batch: number) => ({ batch, dtype: 'f32', hooks: true }) as const;
  const file = (stem: string): string => golden(name, 'golden', `${stem}.safetensors`);

  it('text encoder', () => {
    const batch = readSafetensors(file('text_encoder')).get('input_ids').shape[0]!;
    expectHooks(clipTextGraph(model().textEncoder, options(batch)), file('text_encoder'), 'hidden_states.');
  });

  it('decoder', () => {
    expectHooks(decoderForwardGraph(model().decoder, { ...options(2), tokens: 81 }), file('decoder_forward'), 'hook.');
  });

  it.each(['first', 'last'] as const)('super_res_%s', (which) => {
    const m = model();
    const config = which === 'first' ? m.superResFirst : m.superResLast;
    const graph = superResForwardGraph(config, { ...options(1), size: m.superResSize });
    expectHooks(graph, file(`super_res_${which}_forward`), 'hook.');
  });

  it.skipIf(name === 'unclip-i2i')('prior', () => {
    expectHooks(priorForwardGraph(model().prior!, options(2)), file('prior_forward'), 'hook.');
  });

  it.skipIf(name === 'unclip-t2i')('image encoder', () => {
    const graph = clipVisionGraph(model().imageEncoder!, options(1));
    expectHooks(graph, file('image_encoder'), 'landscape.hidden_states.');
  });
});
