import { z } from 'zod';
import { type ClipTextConfig, parseClipTextConfig } from './clip-text.js';
import { type ClipVisionConfig, parseClipVisionConfig } from './clip-vision.js';
import { configError } from './config.js';

/** Both towers of a CLIP. */
export interface ClipConfigs {
  readonly text: ClipTextConfig;
  readonly vision: ClipVisionConfig;
}

const record = z.record(z.string(), z.unknown());

/** The keys of a CLIPModel's config.json that are read; `*_config_dict` is how early transformers wrote the towers' own values. */
const schema = z.object({
  model_type: z.literal('clip').default('clip'),
  projection_dim: z.int().min(1).default(512),
  text_config: record.nullish(),
  text_config_dict: record.nullish(),
  vision_config: record.nullish(),
  vision_config_dict: record.nullish(),
});

/**
 * Keys of transformers' PretrainedConfig, which older versions wrote out into the config of every tower. They steer training,
 * generation and what is returned.
 */
const PRETRAINED_KEYS: ReadonlySet<string> = new Set([
  'add_cross_attention',
  'bad_words_ids',
  'begin_suppress_tokens',
  'chunk_size_feed_forward',
  'cross_attention_hidden_size',
  'decoder_start_token_id',
  'diversity_penalty',
  'do_sample',
  'early_stopping',
  'encoder_no_repeat_ngram_size',
  'exponential_decay_length_penalty',
  'finetuning_task',
  'forced_bos_token_id',
  'forced_eos_token_id',
  'id2label',
  'is_decoder',
  'is_encoder_decoder',
  'label2id',
  'length_penalty',
  'max_length',
  'min_length',
  'no_repeat_ngram_size',
  'num_beam_groups',
  'num_beams',
  'num_return_sequences',
  'output_attentions',
  'output_hidden_states',
  'output_scores',
  'prefix',
  'problem_type',
  'pruned_heads',
  'remove_invalid_values',
  'repetition_penalty',
  'return_dict',
  'return_dict_in_generate',
  'sep_token_id',
  'suppress_tokens',
  'task_specific_params',
  'temperature',
  'tf_legacy_loss',
  'tie_encoder_decoder',
  'tie_word_embeddings',
  'tokenizer_class',
  'top_k',
  'top_p',
  'torchscript',
  'typical_p',
  'use_bfloat16',
]);

/**
 * Checks the parsed JSON of a CLIPModel's config.json (transformers): both towers in one file, projected to the width that the
 * model states, whatever a tower says of its own.
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key
 */
export function parseClipConfig(json: unknown, source = 'config.json'): ClipConfigs {
  const parsed = schema.safeParse(json);
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw configError(source, `${path.join('.') || 'the file'} is not supported (${message}); a CLIPModel is expected`);
  }
  const c = parsed.data;
  const tower = (base: typeof c.text_config, early: typeof c.text_config): object => ({
    ...Object.fromEntries(Object.entries({ ...base, ...early }).filter(([key]) => !PRETRAINED_KEYS.has(key))),
    projection_dim: c.projection_dim,
  });
  return {
    text: parseClipTextConfig(tower(c.text_config, c.text_config_dict), `${source}, text_config`),
    vision: parseClipVisionConfig(tower(c.vision_config, c.vision_config_dict), `${source}, vision_config`),
  };
}

/** Tensors of a CLIP that belong to neither tower: the factor of its cosines, as a logarithm. */
export const LOGIT_SCALE = 'logit_scale';
