import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { SAMPLERS } from '../../diffusion/samplers/registry.js';
import { PRIORS } from '../../pipelines/settings.js';
import { ERRORS } from '../http/openapi.js';
import type { ZodTypes } from '../http/schema.js';
import { settingsFields } from '../images/answer.js';
import { checkModel, type FieldLimits } from '../images/fields.js';
import type { Service } from '../service.js';

const abilitiesSchema = z.object({
  size: z.int().describe('Side of its pictures, pixels.'),
  decoder_size: z.int().describe("Side of the decoder's pictures, which upsamplers enlarge."),
  most_pictures: z.int().describe('Most pictures of a request.'),
  max_steps: z.int().describe('Most steps of a stage.'),
  max_pixels: z.int().describe('Most pixels of a picture that a request brings.'),
  text_to_image: z.boolean(),
  variations: z.boolean(),
  edits: z.boolean(),
  nearest_captions: z.int().describe('Captions that say what the prior predicts; 0: none.'),
  priors: z.array(z.string()),
  samplers: z.array(z.string()),
  defaults: z.record(z.string(), z.union([z.number(), z.string()]).optional()).describe('By the names of requests.'),
  vocabulary: z.array(z.string()).optional().describe('Words that it was trained on; absent: it knows them all.'),
  examples: z.array(z.string()).describe('Prompts that it draws well.'),
});

const modelSchema = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int().describe('Seconds since 1970 at which the service began.'),
  owned_by: z.string(),
  unclip: abilitiesSchema.describe('What it can do.'),
});

/** The models that are served: one, by each of its names. */
export function modelRoutes(instance: FastifyInstance, service: Service, limits: FieldLimits): void {
  const { modelNames, started } = service;
  const app = instance.withTypeProvider<ZodTypes>();
  const unclip = abilities(service, limits);
  const describe = (id: string) => ({ id, object: 'model' as const, created: started, owned_by: 'unclip', unclip });

  app.get(
    '/v1/models',
    {
      schema: {
        tags: ['models'],
        summary: 'List models',
        response: { 200: z.object({ object: z.literal('list'), data: z.array(modelSchema) }), ...ERRORS },
      },
    },
    () => ({ object: 'list' as const, data: modelNames.map(describe) }),
  );

  app.get(
    '/v1/models/:model',
    {
      schema: {
        tags: ['models'],
        summary: 'Describe a model',
        params: z.object({ model: z.string() }),
        response: { 200: modelSchema, ...ERRORS },
      },
    },
    ({ params: { model } }) => {
      checkModel(model, modelNames);
      return describe(model);
    },
  );
}

/** Examples are taken at this distance from the model's captions: far enough that each differs in every part. */
const EXAMPLE_STRIDE = 103;
const EXAMPLES = 6;

function abilities({ unclip, config, captions }: Service, { size, most, maxSteps }: FieldLimits) {
  const { configs, info } = unclip.model;
  const { ar: _, ...defaults } = info.defaults;
  const draws = { diffusion: configs.prior !== null, ar: configs.priorAr !== null };
  const known = captions.texts;
  return {
    size,
    decoder_size: unclip.model.configs.decoder.sample_size!,
    most_pictures: most,
    max_steps: maxSteps,
    max_pixels: config.maxPixels,
    text_to_image: draws.diffusion || draws.ar,
    variations: configs.imageEncoder !== null,
    edits: draws.diffusion || draws.ar,
    nearest_captions: draws.diffusion ? known.length : 0,
    priors: PRIORS.filter((prior) => draws[prior]),
    samplers: [...SAMPLERS],
    defaults: settingsFields(defaults),
    vocabulary: info.vocabulary,
    examples: Array.from(
      { length: Math.min(EXAMPLES, known.length) },
      (__, k) => known[(k * EXAMPLE_STRIDE) % known.length]!,
    ),
  };
}
