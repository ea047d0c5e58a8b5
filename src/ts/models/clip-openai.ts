import type { TensorRole } from '../weights/mapped-weights.js';
import type { ClipConfigs } from './clip.js';
import { parseClipTextConfig } from './clip-text.js';
import { parseClipVisionConfig } from './clip-vision.js';
import { configError } from './config.js';

/** Shape of a stored tensor, or undefined where there is none of that name. */
type ShapeOf = (name: string) => readonly number[] | undefined;

/** Width of a head in every CLIP that OpenAI published (openai/CLIP clip/model.py, build_model). */
const HEAD_WIDTH = 64;

/** Entries of OpenAI's state dicts that are no weights. */
export const OPENAI_IGNORED_TENSORS = ['input_resolution', 'context_length', 'vocab_size'] as const;

/** Whether the tensors of a file are named as in OpenAI's CLIP, of the kind with a vision transformer or with a ResNet. */
export const isOpenAiClip = (has: (name: string) => boolean): boolean =>
  has('token_embedding.weight') && has('visual.conv1.weight');

/**
 * The configs of an OpenAI CLIP from the shapes of its tensors, as openai/CLIP's build_model derives them.
 * @throws UnclipError MODEL_CONFIG_INVALID: a ResNet as image encoder, a tensor that is missing, shapes that cannot be
 */
export function openAiClipConfigs(shapeOf: ShapeOf, source: string): ClipConfigs {
  const shape = (name: string, rank: number): readonly number[] => {
    const found = shapeOf(name);
    if (found?.length !== rank)
      throw configError(
        source,
        `tensor ${name} ${found ? `is [${found}]` : 'is missing'}; is this a whole CLIP model?`,
      );
    return found;
  };
  if (shapeOf('visual.proj') === undefined)
    throw configError(
      source,
      'its image encoder is a ResNet; CLIP models with a vision transformer (ViT) are supported',
    );
  const [width, , patch] = shape('visual.conv1.weight', 4) as [number, number, number, number];
  const [positions] = shape('visual.positional_embedding', 2) as [number, number];
  const [, projection] = shape('visual.proj', 2) as [number, number];
  const [vocabulary, textWidth] = shape('token_embedding.weight', 2) as [number, number];
  const [length] = shape('positional_embedding', 2) as [number, number];
  const grid = Math.round(Math.sqrt(positions - 1));
  const tower = (prefix: string, hidden: number): object => {
    if (hidden % HEAD_WIDTH !== 0) throw configError(source, `a width of ${hidden} is no multiple of ${HEAD_WIDTH}`);
    return {
      hidden_size: hidden,
      intermediate_size: shape(`${prefix}.resblocks.0.mlp.c_fc.weight`, 2)[0],
      num_hidden_layers: layers(prefix, shapeOf),
      num_attention_heads: hidden / HEAD_WIDTH,
      projection_dim: projection,
      hidden_act: 'quick_gelu',
      layer_norm_eps: 1e-5,
    };
  };
  return {
    text: parseClipTextConfig(
      { ...tower('transformer', textWidth), vocab_size: vocabulary, max_position_embeddings: length },
      source,
    ),
    vision: parseClipVisionConfig(
      { ...tower('visual.transformer', width), patch_size: patch, image_size: grid * patch },
      source,
    ),
  };
}

function layers(prefix: string, shapeOf: ShapeOf): number {
  let count = 0;
  while (shapeOf(`${prefix}.resblocks.${count}.ln_1.weight`) !== undefined) count++;
  return count;
}

/** Names outside the layers. OpenAI multiplies by its projections from the right, so that they lie transposed. */
const OUTER: Readonly<Record<string, TensorRole>> = {
  'text_model.embeddings.token_embedding.weight': { name: 'token_embedding.weight' },
  'text_model.embeddings.position_embedding.weight': { name: 'positional_embedding' },
  'text_model.final_layer_norm.weight': { name: 'ln_final.weight' },
  'text_model.final_layer_norm.bias': { name: 'ln_final.bias' },
  'text_projection.weight': { name: 'text_projection', transposed: true },
  'vision_model.embeddings.class_embedding': { name: 'visual.class_embedding' },
  'vision_model.embeddings.patch_embedding.weight': { name: 'visual.conv1.weight' },
  'vision_model.embeddings.position_embedding.weight': { name: 'visual.positional_embedding' },
  'vision_model.pre_layrnorm.weight': { name: 'visual.ln_pre.weight' },
  'vision_model.pre_layrnorm.bias': { name: 'visual.ln_pre.bias' },
  'vision_model.post_layernorm.weight': { name: 'visual.ln_post.weight' },
  'vision_model.post_layernorm.bias': { name: 'visual.ln_post.bias' },
  'visual_projection.weight': { name: 'visual.proj', transposed: true },
};

/** Names within a layer, but for queries, keys and values. */
const INNER: Readonly<Record<string, string>> = {
  layer_norm1: 'ln_1',
  layer_norm2: 'ln_2',
  'self_attn.out_proj': 'attn.out_proj',
  'mlp.fc1': 'mlp.c_fc',
  'mlp.fc2': 'mlp.c_proj',
};

/** Thirds of in_proj, in nn.MultiheadAttention's order. */
const THIRDS = ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'];

/**
 * Where an OpenAI CLIP has what transformers, and with it the graphs, call `name`; undefined for a name that no CLIP has.
 * The equations are openai/CLIP's clip/model.py and transformers' convert_clip_original_pytorch_to_hf.py.
 */
export function openAiTensor(name: string): TensorRole | undefined {
  if (Object.hasOwn(OUTER, name)) return OUTER[name];
  const [, tower, layer, part, kind] =
    /^(text|vision)_model\.encoder\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  if (part === undefined) return undefined;
  const block = `${tower === 'text' ? '' : 'visual.'}transformer.resblocks.${layer}`;
  const third = THIRDS.indexOf(part);
  if (third >= 0) return { name: `${block}.attn.in_proj_${kind}`, rows: { index: third, of: THIRDS.length } };
  return Object.hasOwn(INNER, part) ? { name: `${block}.${INNER[part]}.${kind}` } : undefined;
}
