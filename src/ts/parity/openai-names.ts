import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { f32Bytes, safetensorsBytes, type TensorBytes } from '../weights/safetensors-bytes.js';
import { type GoldenTensor, readGolden } from './golden-file.js';

const TOKENIZER = ['vocab.json', 'merges.txt', 'tokenizer_config.json', 'special_tokens_map.json'];

/**
 * Writes the state dict that openai/CLIP's own classes would have for a CLIPModel's weights, as safetensors, with the tokenizer
 * beside it: transformers' convert_clip_original_pytorch_to_hf.py backwards. Independent of the mapping that it checks.
 */
export function writeOpenAiNames(from: string, to: string): void {
  const model = readGolden(join(from, 'model.safetensors'));
  const out: Record<string, TensorBytes> = {};
  const put = (name: string, { shape, data }: GoldenTensor): void => {
    out[name] = f32Bytes(shape, data);
  };
  const get = (name: string): GoldenTensor => model.get(name);
  const pair = (name: string, source: string): void => {
    for (const kind of ['weight', 'bias']) put(`${name}.${kind}`, get(`${source}.${kind}`));
  };
  const towers = [
    { tower: 'text_model', prefix: '' },
    { tower: 'vision_model', prefix: 'visual.' },
  ];
  for (const { tower, prefix } of towers)
    for (let i = 0; model.has(`${tower}.encoder.layers.${i}.layer_norm1.weight`); i++) {
      const layer = `${tower}.encoder.layers.${i}`;
      const block = `${prefix}transformer.resblocks.${i}`;
      for (const kind of ['weight', 'bias'])
        put(
          `${block}.attn.in_proj_${kind}`,
          stacked(['q', 'k', 'v'].map((letter) => get(`${layer}.self_attn.${letter}_proj.${kind}`))),
        );
      pair(`${block}.attn.out_proj`, `${layer}.self_attn.out_proj`);
      pair(`${block}.ln_1`, `${layer}.layer_norm1`);
      pair(`${block}.ln_2`, `${layer}.layer_norm2`);
      pair(`${block}.mlp.c_fc`, `${layer}.mlp.fc1`);
      pair(`${block}.mlp.c_proj`, `${layer}.mlp.fc2`);
    }
  put('token_embedding.weight', get('text_model.embeddings.token_embedding.weight'));
  put('positional_embedding', get('text_model.embeddings.position_embedding.weight'));
  pair('ln_final', 'text_model.final_layer_norm');
  put('text_projection', transposed(get('text_projection.weight')));
  put('visual.class_embedding', get('vision_model.embeddings.class_embedding'));
  put('visual.conv1.weight', get('vision_model.embeddings.patch_embedding.weight'));
  put('visual.positional_embedding', get('vision_model.embeddings.position_embedding.weight'));
  pair('visual.ln_pre', 'vision_model.pre_layrnorm');
  pair('visual.ln_post', 'vision_model.post_layernorm');
  put('visual.proj', transposed(get('visual_projection.weight')));
  put('logit_scale', get('logit_scale'));
  writeFileSync(join(to, 'model.safetensors'), safetensorsBytes(out));
  for (const name of TOKENIZER) copyFileSync(join(from, name), join(to, name));
}

/** Tensors one after the other along the first dimension. */
function stacked(tensors: readonly GoldenTensor[]): GoldenTensor {
  const [, ...rest] = tensors[0]!.shape;
  const rows = tensors.reduce((sum, { shape }) => sum + shape[0]!, 0);
  return { shape: [rows, ...rest], data: Float32Array.from(tensors.flatMap(({ data }) => Array.from(data))) };
}

function transposed({ shape, data }: GoldenTensor): GoldenTensor {
  const [rows, columns] = shape as [number, number];
  const turned = Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
  return { shape: [columns, rows], data: turned };
}
