import { join } from 'node:path';
import { readModelJson, shown } from '../util/json-file.js';
import { type ClipTextConfig, parseClipTextConfig } from './clip-text.js';
import { type ClipVisionConfig, parseClipVisionConfig } from './clip-vision.js';
import { configError } from './config.js';
import { type PriorConfig, parsePriorConfig, priorTextDim } from './prior.js';
import { type PriorArConfig, parsePriorArConfig } from './prior-ar.js';
import { parseTextProjConfig, type TextProjConfig } from './unclip-text-proj.js';
import { parseUNet2DConfig, type UNet2DConfig } from './unet-2d.js';
import { parseUNet2DConditionConfig, timeEmbeddingDim, type UNet2DConditionConfig } from './unet-2d-condition.js';

/** Class names that each component may have. */
const CLASSES = {
  tokenizer: ['CLIPTokenizer', 'CLIPTokenizerFast'],
  text_encoder: ['CLIPTextModelWithProjection'],
  image_encoder: ['CLIPVisionModelWithProjection'],
  feature_extractor: ['CLIPImageProcessor', 'CLIPFeatureExtractor'],
  prior: ['PriorTransformer'],
  prior_ar: ['AutoregressivePrior'],
  prior_scheduler: ['UnCLIPScheduler'],
  text_proj: ['UnCLIPTextProjModel'],
  decoder: ['UNet2DConditionModel'],
  decoder_scheduler: ['UnCLIPScheduler'],
  super_res_first: ['UNet2DModel'],
  super_res_last: ['UNet2DModel'],
  super_res_scheduler: ['UnCLIPScheduler'],
} as const;

/** A part of a checkpoint: a folder beside model_index.json. */
export type ComponentName = keyof typeof CLASSES;

/** What both pipelines need. */
const SHARED: readonly ComponentName[] = [
  'tokenizer',
  'text_encoder',
  'text_proj',
  'decoder',
  'decoder_scheduler',
  'super_res_first',
  'super_res_last',
  'super_res_scheduler',
];

/** What a pipeline of that class must have. */
const REQUIRED: Readonly<Record<string, readonly ComponentName[]>> = {
  UnCLIPPipeline: [...SHARED, 'prior', 'prior_scheduler'],
  UnCLIPImageVariationPipeline: [...SHARED, 'image_encoder', 'feature_extractor'],
};

/** A checked model_index.json. */
export interface ModelIndex {
  readonly className: 'UnCLIPPipeline' | 'UnCLIPImageVariationPipeline';
  readonly components: ReadonlySet<ComponentName>;
}

/** The checked configs of a checkpoint's networks. */
export interface UnclipModel {
  readonly folder: string;
  readonly index: ModelIndex;
  readonly textEncoder: ClipTextConfig;
  readonly textProj: TextProjConfig;
  readonly decoder: UNet2DConditionConfig;
  readonly superResFirst: UNet2DConfig;
  readonly superResLast: UNet2DConfig;
  /** Side of the decoder's pictures. */
  readonly decoderSize: number;
  /** Side of the finished pictures, from super_res_first: super_res_last says null as published. */
  readonly superResSize: number;
  /** Absent from a model that only makes variations. */
  readonly prior: PriorConfig | null;
  /** The autoregressive prior, which a model may have beside the other. */
  readonly priorAr: PriorArConfig | null;
  readonly imageEncoder: ClipVisionConfig | null;
}

/**
 * Checks the parsed JSON of a model_index.json: the pipeline, the class of every component, and that none is missing.
 * @throws UnclipError MODEL_CONFIG_INVALID
 */
export function parseModelIndex(json: unknown, source = 'model_index.json'): ModelIndex {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    throw configError(source, 'must hold one JSON object; is this a diffusers checkpoint?');
  const className = (json as Record<string, unknown>)._class_name;
  const required =
    typeof className === 'string' && Object.hasOwn(REQUIRED, className) ? REQUIRED[className] : undefined;
  if (required === undefined)
    throw configError(source, `_class_name is ${shown(className)}; ${Object.keys(REQUIRED).join(' or ')} is expected`);
  const components = new Set<ComponentName>();
  for (const [name, value] of Object.entries(json)) {
    if (name.startsWith('_')) continue;
    if (!isComponent(name)) throw configError(source, `unknown component '${name}' (${shown(value)})`);
    const actual: unknown = Array.isArray(value) ? value[1] : undefined;
    if (actual === null) continue;
    const allowed: readonly unknown[] = CLASSES[name];
    if (!allowed.includes(actual))
      throw configError(source, `${name} is ${shown(value)}; ${allowed.join(' or ')} is expected`);
    components.add(name);
  }
  for (const name of required) if (!components.has(name)) throw configError(source, `component '${name}' is missing`);
  return { className: className as ModelIndex['className'], components };
}

/**
 * Reads model_index.json and the config.json of every network in `folder`, and checks that they fit together.
 * @throws UnclipError MODEL_FILE_MISSING, MODEL_FILE_INVALID or MODEL_CONFIG_INVALID naming file and key
 */
export function loadUnclipModel(folder: string): UnclipModel {
  const index = parseModelIndex(readModelJson(join(folder, 'model_index.json')));
  const load = <C>(name: ComponentName, parse: (json: unknown, source: string) => C): C =>
    parse(readModelJson(join(folder, name, 'config.json')), `${name}/config.json`);
  const optional = <C>(name: ComponentName, parse: (json: unknown, source: string) => C): C | null =>
    index.components.has(name) ? load(name, parse) : null;
  const decoder = load('decoder', parseUNet2DConditionConfig);
  const superResFirst = load('super_res_first', parseUNet2DConfig);
  const model: UnclipModel = {
    folder,
    index,
    textEncoder: load('text_encoder', parseClipTextConfig),
    textProj: load('text_proj', parseTextProjConfig),
    decoder,
    superResFirst,
    superResLast: load('super_res_last', parseUNet2DConfig),
    decoderSize: sampleSize('decoder', decoder),
    superResSize: sampleSize('super_res_first', superResFirst),
    prior: optional('prior', parsePriorConfig),
    priorAr: optional('prior_ar', parsePriorArConfig),
    imageEncoder: optional('image_encoder', parseClipVisionConfig),
  };
  checkFit(model);
  return model;
}

const isComponent = (name: string): name is ComponentName => Object.hasOwn(CLASSES, name);

function sampleSize(name: ComponentName, config: { readonly sample_size: number | null }): number {
  if (config.sample_size === null)
    throw configError(`${name}/config.json`, 'sample_size is null; the size of its pictures is needed');
  return config.sample_size;
}

/** Sizes that two components must agree on. */
function checkFit(m: UnclipModel): void {
  const { textEncoder, textProj, decoder, prior, priorAr, imageEncoder } = m;
  const embedding = textProj.clip_embeddings_dim;
  const agree = (component: ComponentName, key: string, value: number, wanted: number, by: string): void => {
    if (value !== wanted) throw configError(`${component}/config.json`, `${key} is ${value} but ${by} is ${wanted}`);
  };
  const byEmbedding = "text_proj's clip_embeddings_dim";
  agree('text_encoder', 'projection_dim', textEncoder.projection_dim, embedding, byEmbedding);
  agree('text_encoder', 'hidden_size', textEncoder.hidden_size, embedding, byEmbedding);
  agree('decoder', 'cross_attention_dim', decoder.cross_attention_dim, textProj.cross_attention_dim, "text_proj's");
  agree(
    'text_proj',
    'time_embed_dim',
    textProj.time_embed_dim,
    timeEmbeddingDim(decoder),
    "the decoder's time embedding",
  );
  if (imageEncoder !== null)
    agree('image_encoder', 'projection_dim', imageEncoder.projection_dim, embedding, byEmbedding);
  const byLength = "the text encoder's length";
  if (priorAr !== null) {
    agree('prior_ar', 'embedding_dim', priorAr.embedding_dim, embedding, byEmbedding);
    agree('prior_ar', 'num_embeddings', priorAr.num_embeddings, textEncoder.max_position_embeddings, byLength);
  }
  if (prior !== null) {
    agree('prior', 'embedding_dim', prior.embedding_dim, embedding, byEmbedding);
    agree(
      'prior',
      'embedding_proj_dim',
      priorTextDim(prior),
      textEncoder.projection_dim,
      "the text encoder's projection_dim",
    );
    agree('prior', 'num_embeddings', prior.num_embeddings, textEncoder.max_position_embeddings, byLength);
  }
}
