import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clipVisionGraph, parseClipVisionConfig } from '../../src/ts/models/clip-vision.js';
import { distinctWeights } from '../../src/ts/models/parameters.js';
import { f32Tensor, type TensorToWrite, writeSafetensors } from './safetensors-writer.js';
import { normals, randomWeight } from './tiny-model.js';

const CONFIG = {
  architectures: ['CLIPVisionModelWithProjection'],
  model_type: 'clip_vision_model',
  hidden_size: 16,
  intermediate_size: 32,
  num_attention_heads: 2,
  num_hidden_layers: 1,
  projection_dim: 16,
  image_size: 32,
  patch_size: 16,
};

const PREPROCESSOR = { size: { shortest_edge: 32 }, crop_size: { height: 32, width: 32 } };

/** Gives a tiny model's folder an image encoder with random weights, so that it can embed pictures too. */
export function addTinyImageEncoder(folder: string, seed = 11): void {
  const path = join(folder, 'model_index.json');
  const index = JSON.parse(readFileSync(path, 'utf8')) as object;
  const added = {
    image_encoder: ['transformers', 'CLIPVisionModelWithProjection'],
    feature_extractor: ['transformers', 'CLIPImageProcessor'],
  };
  writeFileSync(path, JSON.stringify({ ...index, ...added }));
  for (const name of Object.keys(added)) mkdirSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'feature_extractor', 'preprocessor_config.json'), JSON.stringify(PREPROCESSOR));
  writeFileSync(join(folder, 'image_encoder', 'config.json'), JSON.stringify(CONFIG));
  const random = normals(seed);
  const tensors: Record<string, TensorToWrite> = {};
  for (const { weight } of distinctWeights([
    clipVisionGraph(parseClipVisionConfig(CONFIG), { batch: 1, dtype: 'f32' }),
  ]))
    weight!.sources.forEach((name, i) => {
      const shape = weight!.sourceShapes[i]!;
      tensors[name] = f32Tensor([...shape], randomWeight(name, shape, random));
    });
  writeSafetensors(join(folder, 'image_encoder', 'model.safetensors'), tensors);
}
