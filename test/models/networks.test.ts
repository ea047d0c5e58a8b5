import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadUnclipModel, type UnclipModel } from '../../src/ts/models/model-index.js';
import { type Network, unclipNetworks } from '../../src/ts/models/networks.js';
import { distinctWeights, weightSize } from '../../src/ts/models/parameters.js';
import { golden, goldenFolder } from '../support/golden.js';
import { readSafetensors } from '../support/safetensors.js';
import { KARLO, KARLO_PARAMETERS } from './karlo.js';

const INDEX = {
  _class_name: 'UnCLIPPipeline',
  decoder: ['diffusers', 'UNet2DConditionModel'],
  decoder_scheduler: ['diffusers', 'UnCLIPScheduler'],
  image_encoder: ['transformers', 'CLIPVisionModelWithProjection'],
  prior: ['diffusers', 'PriorTransformer'],
  prior_scheduler: ['diffusers', 'UnCLIPScheduler'],
  super_res_first: ['diffusers', 'UNet2DModel'],
  super_res_last: ['diffusers', 'UNet2DModel'],
  super_res_scheduler: ['diffusers', 'UnCLIPScheduler'],
  text_encoder: ['transformers', 'CLIPTextModelWithProjection'],
  text_proj: ['unclip', 'UnCLIPTextProjModel'],
  tokenizer: ['transformers', 'CLIPTokenizer'],
};

/** Shape without a trailing 1×1 kernel. */
const plain = (shape: readonly number[]): readonly number[] =>
  shape.length === 4 && shape[2] === 1 && shape[3] === 1 ? shape.slice(0, 2) : shape;

describe('full-size karlo', () => {
  let folder: string;
  let model: UnclipModel;
  let networks: Network[];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'unclip-karlo-'));
    writeFileSync(join(folder, 'model_index.json'), JSON.stringify(INDEX));
    const configs = { ...KARLO, super_res_last: { ...KARLO.super_res_first, sample_size: null } };
    for (const [name, config] of Object.entries(configs)) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'config.json'), JSON.stringify(config));
    }
    model = loadUnclipModel(folder);
    networks = unclipNetworks(model, { batch: 1, guided: true, dtype: 'f16' });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('takes the picture size from super_res_first', () => {
    expect(model.decoderSize).toBe(64);
    expect(model.superResSize).toBe(256);
    expect(model.superResLast.sample_size).toBeNull();
  });

  it.each(Object.entries(KARLO_PARAMETERS))('%s has %i parameters', (component, parameters) => {
    const { graphs } = networks.find((n) => n.component === component)!;
    expect(weightSize(graphs).parameters).toBe(parameters);
  });

  it('counts device bytes in the dtype: matrices in f16, vectors in f32', () => {
    const { graphs } = networks.find((n) => n.component === 'prior')!;
    const { parameters, bytes } = weightSize(graphs);
    expect(bytes).toBeGreaterThan(2 * parameters);
    expect(bytes).toBeLessThan(2.01 * parameters);
  });
});

describe.skipIf(goldenFolder === undefined).each(['unclip-t2i', 'unclip-i2i'])('%s checkpoint', (name) => {
  const model = (): UnclipModel => loadUnclipModel(golden(name, 'model'));

  it.each(['f32', 'f16'] as const)('every stored tensor is asked for exactly once with its shape (%s)', (dtype) => {
    const networks = unclipNetworks(model(), { batch: 2, guided: true, dtype });
    for (const { component, graphs, ignoredTensors } of networks) {
      const diffusers = component !== 'text_encoder' && component !== 'image_encoder';
      const file = diffusers ? 'diffusion_pytorch_model.safetensors' : 'model.safetensors';
      const stored = readSafetensors(golden(name, 'model', component, file));
      const requested: string[] = [];
      for (const { weight } of distinctWeights(graphs))
        weight!.sources.forEach((source, i) => {
          requested.push(source);
          expect(plain(weight!.sourceShapes[i]!), source).toEqual(plain(stored.get(source).shape));
        });
      const weights = stored.names.filter((n) => !ignoredTensors.includes(n));
      expect(requested.sort(), component).toEqual(weights.sort());
    }
  });

  it('builds unguided graphs of any batch', () => {
    for (const batch of [1, 3, 77])
      for (const { graphs } of unclipNetworks(model(), { batch, guided: false, dtype: 'f32' }))
        for (const { nodes } of graphs) expect(nodes.length).toBeGreaterThan(0);
  });
});
