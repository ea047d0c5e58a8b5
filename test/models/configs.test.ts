import { describe, expect, it } from 'vitest';
import { parseClipTextConfig } from '../../src/ts/models/clip-text.js';
import { parseClipVisionConfig } from '../../src/ts/models/clip-vision.js';
import { parseModelIndex } from '../../src/ts/models/model-index.js';
import { parsePriorConfig } from '../../src/ts/models/prior.js';
import { parseTextProjConfig } from '../../src/ts/models/unclip-text-proj.js';
import { parseUNet2DConfig } from '../../src/ts/models/unet-2d.js';
import { parseUNet2DConditionConfig } from '../../src/ts/models/unet-2d-condition.js';
import { UnclipError } from '../../src/ts/util/errors.js';
import { KARLO } from './karlo.js';

const PARSERS = {
  prior: parsePriorConfig,
  decoder: parseUNet2DConditionConfig,
  super_res_first: parseUNet2DConfig,
  text_proj: parseTextProjConfig,
  text_encoder: parseClipTextConfig,
  image_encoder: parseClipVisionConfig,
} as const;

type Component = keyof typeof PARSERS;
const COMPONENTS = Object.keys(PARSERS) as Component[];

function errorOf(run: () => unknown): UnclipError {
  try {
    run();
  } catch (error) {
    if (error instanceof UnclipError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** The error of a karlo config with some keys changed; undefined removes a key. */
function changed(component: Component, change: Record<string, unknown>): UnclipError {
  const config = { ...KARLO[component], ...change };
  const kept = Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
  return errorOf(() => PARSERS[component](kept));
}

describe.each(COMPONENTS)('%s config', (component) => {
  it('names an unknown key and the file', () => {
    const error = changed(component, { flux_capacitor: true });
    expect(error.code).toBe('MODEL_CONFIG_INVALID');
    expect(error.message).toContain("'flux_capacitor'");
    expect(error.message).toContain(`${component}/config.json`);
    expect(error.message).not.toContain('\n');
  });

  it('ignores notes of the producer, but not another class', () => {
    expect(() => PARSERS[component]({ ...KARLO[component], _name_or_path: 'x' })).not.toThrow();
    expect(changed(component, { _class_name: 'VQModel' }).message).toContain('"VQModel"');
  });

  it.each([null, [], 'text'])('refuses %j', (json) => {
    expect(errorOf(() => PARSERS[component](json)).code).toBe('MODEL_CONFIG_INVALID');
  });
});

describe('values that are not supported', () => {
  it.each<[Component, string, unknown]>([
    ['prior', 'added_emb_type', null],
    ['prior', 'encoder_hid_proj_type', null],
    ['prior', 'embedding_proj_norm_type', 'layer'],
    ['prior', 'norm_in_type', 'layer'],
    ['prior', 'clip_embed_dim', 1024],
    ['prior', 'num_layers', 0],
    ['decoder', 'class_embed_type', 'timestep'],
    ['decoder', 'addition_embed_type', 'image'],
    ['decoder', 'encoder_hid_dim_type', 'image_proj'],
    ['decoder', 'attention_head_dim', 60],
    ['decoder', 'norm_num_groups', 48],
    ['decoder', 'sample_size', 60],
    ['decoder', 'layers_per_block', [3, 3]],
    ['decoder', 'up_block_types', ['ResnetUpsampleBlock2D']],
    ['decoder', 'down_block_types', ['DownBlock2D', 'DownBlock2D', 'DownBlock2D', 'DownBlock2D']],
    ['decoder', 'act_fn', 'mish'],
    ['decoder', 'only_cross_attention', true],
    ['super_res_first', 'add_attention', true],
    ['super_res_first', 'time_embedding_type', 'fourier'],
    ['super_res_first', 'mid_block_scale_factor', 1.41],
    ['text_encoder', 'hidden_act', 'relu'],
    ['text_encoder', 'num_attention_heads', 7],
    ['text_encoder', 'model_type', 'bert'],
    ['image_encoder', 'patch_size', 15],
    ['image_encoder', 'hidden_size', '1024'],
    ['text_proj', 'time_embed_dim', -1],
  ])('%s: %s = %j', (component, key, value) => {
    const error = changed(component, { [key]: value });
    expect(error.code).toBe('MODEL_CONFIG_INVALID');
    expect(error.message).toContain(`${key} is ${JSON.stringify(value).slice(0, 40)}`);
  });

  it.each<[Component, string]>([
    ['decoder', 'down_block_types'],
    ['decoder', 'class_embed_type'],
    ['super_res_first', 'add_attention'],
    ['text_proj', 'cross_attention_dim'],
  ])('%s without %s, whose default is another network', (component, key) => {
    expect(changed(component, { [key]: undefined }).message).toContain(`'${key}' is missing`);
  });
});

describe('defaults of absent keys', () => {
  it("are diffusers' and transformers'", () => {
    expect(parsePriorConfig({})).toMatchObject({ num_layers: 20, embedding_dim: 768, added_emb_type: 'prd' });
    expect(parseClipTextConfig({})).toMatchObject({ hidden_size: 512, vocab_size: 49408, hidden_act: 'quick_gelu' });
    expect(parseUNet2DConfig({ ...KARLO.super_res_first, norm_eps: undefined }).norm_eps).toBe(1e-5);
  });
});

describe('model_index.json', () => {
  const index = {
    _class_name: 'UnCLIPImageVariationPipeline',
    decoder: ['diffusers', 'UNet2DConditionModel'],
    decoder_scheduler: ['diffusers', 'UnCLIPScheduler'],
    feature_extractor: ['transformers', 'CLIPImageProcessor'],
    image_encoder: ['transformers', 'CLIPVisionModelWithProjection'],
    super_res_first: ['diffusers', 'UNet2DModel'],
    super_res_last: ['diffusers', 'UNet2DModel'],
    super_res_scheduler: ['diffusers', 'UnCLIPScheduler'],
    text_encoder: ['transformers', 'CLIPTextModelWithProjection'],
    text_proj: ['unclip', 'UnCLIPTextProjModel'],
    tokenizer: ['transformers', 'CLIPTokenizer'],
  };

  it('lists the components, null meaning none', () => {
    const { className, components } = parseModelIndex({ ...index, prior: [null, null] });
    expect(className).toBe('UnCLIPImageVariationPipeline');
    expect(components.has('image_encoder')).toBe(true);
    expect(components.has('prior')).toBe(false);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['another pipeline', { _class_name: 'StableDiffusionPipeline' }, 'StableDiffusionPipeline'],
    ['a property of every object', { _class_name: 'toString' }, 'toString'],
    ['another class', { decoder: ['diffusers', 'UNet2DModel'] }, 'decoder'],
    ['a missing component', { text_proj: [null, null] }, "'text_proj' is missing"],
    ['an unknown component', { safety_checker: ['x', 'Y'] }, "'safety_checker'"],
    ['no list', { decoder: 7 }, 'decoder is 7'],
  ])('refuses %s', (_, change, part) => {
    const error = errorOf(() => parseModelIndex({ ...index, ...change }));
    expect(error.code).toBe('MODEL_CONFIG_INVALID');
    expect(error.message).toContain(part);
  });
});
