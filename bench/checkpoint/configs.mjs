// The configs of a published checkpoint, whole or with narrower networks.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Checkpoints that can be made: the name of a JSON file beside this one, which holds its configs by path. */
export const CHECKPOINTS = ['karlo-v1-alpha'];

/** Divisors of the widths under which every network keeps whole heads and whole groups. */
export const DIVISORS = [1, 2, 4, 8];

/** Keys that count channels, heads or groups. Depths, token counts and picture sizes are what they are at any width. */
const WIDTHS = {
  'prior/config.json': ['num_attention_heads', 'embedding_dim'],
  'decoder/config.json': ['block_out_channels', 'norm_num_groups', 'attention_head_dim', 'cross_attention_dim'],
  'super_res_first/config.json': ['block_out_channels', 'norm_num_groups'],
  'super_res_last/config.json': ['block_out_channels', 'norm_num_groups'],
  'text_proj/config.json': ['clip_embeddings_dim', 'cross_attention_dim', 'time_embed_dim'],
  'text_encoder/config.json': ['hidden_size', 'intermediate_size', 'projection_dim'],
};

/**
 * @param {string} name one of {@link CHECKPOINTS}
 * @param {number} divisor of all widths, one of {@link DIVISORS}
 * @returns {Record<string, object>} the JSON files of the model folder by path; only those of components in its index
 */
export function checkpointConfigs(name, divisor) {
  const files = JSON.parse(readFileSync(join(import.meta.dirname, `${name}.json`), 'utf8'));
  const index = files['model_index.json'];
  const kept = Object.entries(files).filter(([path]) => path === 'model_index.json' || path.split('/')[0] in index);
  return Object.fromEntries(kept.map(([path, config]) => [path, narrowed(config, WIDTHS[path] ?? [], divisor)]));
}

function narrowed(config, keys, divisor) {
  const narrow = (value) => (Array.isArray(value) ? value.map(narrow) : value / divisor);
  return { ...config, ...Object.fromEntries(keys.map((key) => [key, narrow(config[key])])) };
}
