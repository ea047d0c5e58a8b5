import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { elementCount } from '../../src/ts/graph/types.js';
import { loadUnclipModel } from '../../src/ts/models/model-index.js';
import { unclipNetworks } from '../../src/ts/models/networks.js';
import { distinctWeights } from '../../src/ts/models/parameters.js';
import { packageRoot } from '../../src/ts/util/package-root.js';
import { f32Tensor, type TensorToWrite, writeSafetensors } from './safetensors-writer.js';

export interface TinyModelOptions {
  /** Seed of the weights. Default 1. */
  readonly seed?: number;
  /** Contents of unclip.json; absent = no such file, as in a checkpoint from elsewhere. */
  readonly info?: object;
  /** Whether it reads pictures: `also` beside prompts, `only` as image variation models do, which have no prior. Default: no. */
  readonly pictures?: 'also' | 'only';
  /** Adds an autoregressive prior. Default false. */
  readonly priorAr?: boolean;
}

const unet = {
  act_fn: 'silu',
  block_out_channels: [8, 16],
  layers_per_block: 1,
  norm_eps: 1e-5,
  norm_num_groups: 4,
};

const scheduler = {
  _class_name: 'UnCLIPScheduler',
  num_train_timesteps: 1000,
  beta_schedule: 'squaredcos_cap_v2',
  clip_sample: true,
};

const superRes = {
  ...unet,
  _class_name: 'UNet2DModel',
  add_attention: false,
  down_block_types: ['ResnetDownsampleBlock2D', 'ResnetDownsampleBlock2D'],
  up_block_types: ['ResnetUpsampleBlock2D', 'ResnetUpsampleBlock2D'],
  in_channels: 6,
  out_channels: 3,
  resnet_time_scale_shift: 'default',
};

/** Every config of the smallest unCLIP that is laid out as the published one: pictures of 32×32. */
const CONFIGS: Readonly<Record<string, object>> = {
  'model_index.json': {
    _class_name: 'UnCLIPPipeline',
    tokenizer: ['transformers', 'CLIPTokenizer'],
    text_encoder: ['transformers', 'CLIPTextModelWithProjection'],
    prior: ['diffusers', 'PriorTransformer'],
    prior_scheduler: ['diffusers', 'UnCLIPScheduler'],
    text_proj: ['unclip', 'UnCLIPTextProjModel'],
    decoder: ['diffusers', 'UNet2DConditionModel'],
    decoder_scheduler: ['diffusers', 'UnCLIPScheduler'],
    super_res_first: ['diffusers', 'UNet2DModel'],
    super_res_last: ['diffusers', 'UNet2DModel'],
    super_res_scheduler: ['diffusers', 'UnCLIPScheduler'],
  },
  'text_encoder/config.json': {
    architectures: ['CLIPTextModelWithProjection'],
    model_type: 'clip_text_model',
    hidden_act: 'quick_gelu',
    hidden_size: 16,
    intermediate_size: 32,
    layer_norm_eps: 1e-5,
    max_position_embeddings: 77,
    num_attention_heads: 2,
    num_hidden_layers: 1,
    projection_dim: 16,
    vocab_size: 2014,
    bos_token_id: 0,
    eos_token_id: 2,
    pad_token_id: 1,
  },
  'prior/config.json': {
    _class_name: 'PriorTransformer',
    num_attention_heads: 2,
    attention_head_dim: 16,
    num_layers: 1,
    embedding_dim: 16,
    num_embeddings: 77,
    additional_embeddings: 4,
    dropout: 0,
  },
  'text_proj/config.json': {
    _class_name: 'UnCLIPTextProjModel',
    clip_embeddings_dim: 16,
    clip_extra_context_tokens: 4,
    cross_attention_dim: 16,
    time_embed_dim: 32,
  },
  'decoder/config.json': {
    ...unet,
    _class_name: 'UNet2DConditionModel',
    attention_head_dim: 8,
    class_embed_type: 'identity',
    cross_attention_dim: 16,
    down_block_types: ['ResnetDownsampleBlock2D', 'SimpleCrossAttnDownBlock2D'],
    mid_block_type: 'UNetMidBlock2DSimpleCrossAttn',
    up_block_types: ['SimpleCrossAttnUpBlock2D', 'ResnetUpsampleBlock2D'],
    in_channels: 3,
    out_channels: 6,
    resnet_time_scale_shift: 'scale_shift',
    sample_size: 16,
  },
  'super_res_first/config.json': { ...superRes, sample_size: 32 },
  'super_res_last/config.json': { ...superRes, sample_size: null },
  'prior_scheduler/scheduler_config.json': {
    ...scheduler,
    clip_sample_range: 5,
    prediction_type: 'sample',
    variance_type: 'fixed_small_log',
  },
  'decoder_scheduler/scheduler_config.json': {
    ...scheduler,
    clip_sample_range: 1,
    prediction_type: 'epsilon',
    variance_type: 'learned_range',
  },
  'super_res_scheduler/scheduler_config.json': {
    ...scheduler,
    clip_sample_range: 1,
    prediction_type: 'epsilon',
    variance_type: 'fixed_small_log',
  },
};

/** What a model that reads pictures has besides. */
const PICTURE_CONFIGS: Readonly<Record<string, object>> = {
  'image_encoder/config.json': {
    architectures: ['CLIPVisionModelWithProjection'],
    model_type: 'clip_vision_model',
    hidden_act: 'quick_gelu',
    hidden_size: 16,
    intermediate_size: 32,
    layer_norm_eps: 1e-5,
    image_size: 16,
    patch_size: 8,
    num_channels: 3,
    num_attention_heads: 2,
    num_hidden_layers: 1,
    projection_dim: 16,
  },
  'feature_extractor/preprocessor_config.json': { size: 16, crop_size: 16 },
};

/** Every config of a model, by file. */
function configsOf(pictures: TinyModelOptions['pictures']): Readonly<Record<string, object>> {
  if (pictures === undefined) return CONFIGS;
  const kept = (name: string): boolean => pictures === 'also' || !name.startsWith('prior');
  const only = (record: object): object => Object.fromEntries(Object.entries(record).filter(([name]) => kept(name)));
  return {
    ...only(CONFIGS),
    ...PICTURE_CONFIGS,
    'model_index.json': {
      ...only(CONFIGS['model_index.json']!),
      _class_name: pictures === 'also' ? 'UnCLIPPipeline' : 'UnCLIPImageVariationPipeline',
      image_encoder: ['transformers', 'CLIPVisionModelWithProjection'],
      feature_extractor: ['transformers', 'CLIPImageProcessor'],
    },
  };
}

const PRIOR_AR = {
  _class_name: 'AutoregressivePrior',
  num_attention_heads: 2,
  attention_head_dim: 8,
  num_layers: 2,
  embedding_dim: 16,
  num_embeddings: 77,
  num_codes: 5,
  num_buckets: 12,
  num_scores: 6,
};

const TOKENIZER_FILES = ['vocab.json', 'merges.txt', 'tokenizer_config.json', 'special_tokens_map.json'];

/**
 * Writes a whole model folder with random weights (some 0.5 MB, pictures of 32×32), which runs like any other: for tests that
 * need a model but not a good one.
 */
export function makeTinyModel(
  folder: string,
  { seed = 1, info, pictures, priorAr = false }: TinyModelOptions = {},
): void {
  for (const [name, config] of Object.entries(configsOf(pictures))) writeJson(folder, name, config);
  if (priorAr) {
    const index = { ...CONFIGS['model_index.json'], prior_ar: ['unclip', 'AutoregressivePrior'] };
    writeJson(folder, 'model_index.json', index);
    writeJson(folder, 'prior_ar/config.json', PRIOR_AR);
  }
  if (info !== undefined) writeJson(folder, 'unclip.json', info);
  mkdirSync(join(folder, 'tokenizer'), { recursive: true });
  for (const name of TOKENIZER_FILES)
    copyFileSync(join(packageRoot(), 'test/fixtures/tokenizer', name), join(folder, 'tokenizer', name));
  const random = normals(seed);
  for (const { component, graphs } of unclipNetworks(loadUnclipModel(folder), {
    batch: 1,
    guided: true,
    dtype: 'f32',
  })) {
    const tensors: Record<string, TensorToWrite> = {};
    for (const { weight } of distinctWeights(graphs))
      weight!.sources.forEach((name, i) => {
        const shape = weight!.sourceShapes[i]!;
        tensors[name] = f32Tensor([...shape], randomWeight(name, shape, random));
      });
    const file = component.endsWith('_encoder') ? 'model.safetensors' : 'diffusion_pytorch_model.safetensors';
    writeSafetensors(join(folder, component, file), tensors);
  }
}

function writeJson(folder: string, name: string, content: object): void {
  const path = join(folder, name);
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, JSON.stringify(content));
}

/** Gains of norms near 1, biases near 0, matrices that keep the variance of what they are given. */
export function randomWeight(name: string, shape: readonly number[], random: () => number): Float32Array {
  const out = new Float32Array(elementCount(shape));
  const vector = shape.length === 1;
  const gain = vector && name.endsWith('weight') ? 1 : 0;
  const scale = vector ? 0.02 : 1 / Math.sqrt(Math.max(1, elementCount(shape) / shape[0]!));
  for (let i = 0; i < out.length; i++) out[i] = gain + scale * random();
  return out;
}

/** Normal deviates of a small generator (mulberry32), by Box and Muller. */
export function normals(seed: number): () => number {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
}
