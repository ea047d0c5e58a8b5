import { z } from 'zod';
import { GraphBuilder, type T } from '../graph/builder.js';
import type { Graph } from '../graph/types.js';
import { lastDim } from '../ops/lowering.js';
import { parseConfig } from './config.js';
import { groupNormLayer, linearLayer, type NetworkOptions } from './layers.js';

/** Side of the features' kernel, and so of the last stage's pictures. */
const FEATURE_SIDE = 4;

const schema = z
  .strictObject({
    model_type: z.literal('attribute_checker'),
    image_size: z.int().min(FEATURE_SIDE),
    in_channels: z.literal(3).default(3),
    channels: z.array(z.int().min(1)).min(1),
    features: z.int().min(1),
    norm_num_groups: z.int().min(1),
    norm_eps: z.number().positive().default(1e-5),
    hidden_act: z.literal('silu').default('silu'),
    input_range: z.tuple([z.literal(-1), z.literal(1)]).default([-1, 1]),
    heads: z
      .record(z.string(), z.array(z.string()).min(2))
      .refine((heads) => Object.keys(heads).length > 0, 'Name at least one head'),
  })
  .refine((c) => c.channels.every((n) => n % c.norm_num_groups === 0), {
    path: ['norm_num_groups'],
    message: 'It must divide every entry of channels',
  })
  .refine((c) => c.image_size === FEATURE_SIDE * 2 ** c.channels.length, {
    path: ['image_size'],
    message: 'It must be 4 · 2^stages',
  });

/** A checked config.json of the attribute checker; `heads` maps an attribute to its labels in output order. */
export type AttributeCheckerConfig = z.infer<typeof schema>;

/** Notes of the training that have no effect on inference. */
const IGNORED_KEYS = ['held_out_accuracy', 'training_pictures'];

/**
 * Checks the parsed JSON of a checker's config.json.
 * @throws UnclipError MODEL_CONFIG_INVALID naming the key
 */
export const parseAttributeCheckerConfig = (json: unknown, source = 'checker/config.json'): AttributeCheckerConfig =>
  parseConfig(schema, json, { className: 'attribute_checker', ignored: IGNORED_KEYS }, source);

/**
 * The small CNN of training/train_checker.py that names what a picture shows; the judge of `npm run eval:model`. Stages of
 * 3×3 convolution with stride 2, group norm and SiLU, then one 4×4 convolution over what is left, then a linear head an
 * attribute.
 *
 * Input: `pixels` [B, S, S, 3] in [−1, 1]. Outputs: `logits.NAME` [B, labels] for every head.
 */
export function attributeCheckerGraph(config: AttributeCheckerConfig, o: NetworkOptions): Graph {
  const g = new GraphBuilder('attribute_checker', o);
  let x = g.input('pixels', [o.batch, config.image_size, config.image_size, config.in_channels]);
  config.channels.forEach((channels, i) => {
    x = conv(g, `stages.${i}.conv`, x, channels, { kernel: 3, stride: 2, pad: 1 });
    x = groupNormLayer(g, `stages.${i}.norm`, x, config.norm_num_groups, config.norm_eps);
    x = g.activation(x, config.hidden_act);
  });
  x = conv(g, 'features', x, config.features, { kernel: FEATURE_SIDE, stride: FEATURE_SIDE, pad: 0 });
  const features = g.reshape(g.activation(x, config.hidden_act), [o.batch, config.features]);
  for (const [name, labels] of Object.entries(config.heads))
    g.output(`logits.${name}`, linearLayer(g, `heads.${name}`, features, labels.length));
  return g.build();
}

/** PyTorch's nn.Conv2d under `prefix`, of any stride. */
function conv(
  g: GraphBuilder,
  prefix: string,
  x: T,
  outChannels: number,
  o: { readonly kernel: number; readonly stride: number; readonly pad: number },
): T {
  const w = g.convWeight(lastDim(x), outChannels, o.kernel, `${prefix}.weight`);
  return g.conv2d(x, w, g.vectorWeight([outChannels], [`${prefix}.bias`]), { outChannels, ...o }, prefix);
}
