import { describe, expect, it } from 'vitest';
import { parseClipConfig } from '../../src/ts/models/clip.js';
import { isOpenAiClip, openAiClipConfigs, openAiTensor } from '../../src/ts/models/clip-openai.js';

const invalid = (message: string) =>
  expect.objectContaining({ code: 'MODEL_CONFIG_INVALID', message: expect.stringContaining(message) });

/** Shapes of the tensors that openai/CLIP's build_model looks at, of ViT-L/14. */
const VIT_L14: Record<string, number[]> = {
  'visual.conv1.weight': [1024, 3, 14, 14],
  'visual.positional_embedding': [257, 1024],
  'visual.proj': [1024, 768],
  'token_embedding.weight': [49408, 768],
  positional_embedding: [77, 768],
  'transformer.resblocks.0.mlp.c_fc.weight': [3072, 768],
  'visual.transformer.resblocks.0.mlp.c_fc.weight': [4096, 1024],
  ...Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`transformer.resblocks.${i}.ln_1.weight`, [768]])),
  ...Object.fromEntries(
    Array.from({ length: 24 }, (_, i) => [`visual.transformer.resblocks.${i}.ln_1.weight`, [1024]]),
  ),
};

describe('parseClipConfig', () => {
  it('reads openai/clip-vit-large-patch14 as it was published, with the towers twice', () => {
    const text = { hidden_size: 768, intermediate_size: 3072, num_attention_heads: 12, num_hidden_layers: 12 };
    const vision = {
      hidden_size: 1024,
      intermediate_size: 4096,
      num_attention_heads: 16,
      num_hidden_layers: 24,
      patch_size: 14,
    };
    const configs = parseClipConfig({
      architectures: ['CLIPModel'],
      initializer_factor: 1,
      logit_scale_init_value: 2.6592,
      model_type: 'clip',
      projection_dim: 768,
      text_config: {
        ...text,
        model_type: 'clip_text_model',
        top_k: 50,
        id2label: { 0: 'LABEL_0' },
        projection_dim: 768,
      },
      text_config_dict: { ...text, projection_dim: 768 },
      vision_config: { ...vision, num_hidden_layers: 3, top_p: 1 },
      vision_config_dict: vision,
    });
    expect(configs.text).toMatchObject({ ...text, projection_dim: 768, max_position_embeddings: 77 });
    // A tower's own projection_dim is not what CLIPModel projects to.
    expect(configs.vision).toMatchObject({ ...vision, projection_dim: 768, image_size: 224 });
  });

  it('names the tower and the key that it cannot use', () => {
    expect(() => parseClipConfig({ vision_config: { flux: 1 } }, 'm/config.json')).toThrow(invalid("'flux'"));
    expect(() => parseClipConfig({ text_config: { hidden_act: 'relu' } }, 'c')).toThrow(invalid('c, text_config'));
    expect(() => parseClipConfig({ model_type: 'siglip' })).toThrow(invalid('model_type'));
    expect(() => parseClipConfig([])).toThrow(invalid('CLIPModel'));
  });
});

describe('openAiClipConfigs', () => {
  it('derives ViT-L/14 from its shapes', () => {
    const { text, vision } = openAiClipConfigs((name) => VIT_L14[name], 'x');
    expect(text).toMatchObject({ hidden_size: 768, num_attention_heads: 12, num_hidden_layers: 12, vocab_size: 49408 });
    expect(vision).toMatchObject({
      hidden_size: 1024,
      num_attention_heads: 16,
      num_hidden_layers: 24,
      intermediate_size: 4096,
      patch_size: 14,
      image_size: 224,
      projection_dim: 768,
    });
  });

  it('refuses a ResNet, a part of a model and shapes that cannot be', () => {
    const without = (key: string) => (name: string) => (name === key ? undefined : VIT_L14[name]);
    const changed = (key: string, shape: number[]) => (name: string) => (name === key ? shape : VIT_L14[name]);
    expect(() => openAiClipConfigs(without('visual.proj'), 'x')).toThrow(invalid('ResNet'));
    expect(() => openAiClipConfigs(without('positional_embedding'), 'x')).toThrow(invalid('positional_embedding'));
    expect(() => openAiClipConfigs(changed('visual.conv1.weight', [100, 3, 14, 14]), 'x')).toThrow(invalid('100'));
    expect(() => openAiClipConfigs(changed('token_embedding.weight', [5]), 'x')).toThrow(invalid('[5]'));
    expect(() => openAiClipConfigs(changed('visual.positional_embedding', [1, 1024]), 'x')).toThrow(
      invalid('image_size'),
    );
  });

  it('knows its own names', () => {
    expect(isOpenAiClip((name) => name in VIT_L14)).toBe(true);
    expect(isOpenAiClip((name) => name === 'token_embedding.weight')).toBe(false);
    expect(openAiTensor('vision_model.encoder.layers.7.self_attn.v_proj.bias')).toEqual({
      name: 'visual.transformer.resblocks.7.attn.in_proj_bias',
      rows: { index: 2, of: 3 },
    });
    for (const name of ['text_model.encoder.layers.0.mlp.fc3.weight', 'toString', 'text_model.constructor'])
      expect(openAiTensor(name)).toBeUndefined();
  });
});
