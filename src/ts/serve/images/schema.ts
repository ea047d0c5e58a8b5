import { z } from 'zod';

const usage = z.object({
  input_tokens: z.int(),
  input_tokens_details: z.object({ text_tokens: z.int(), image_tokens: z.int() }),
  output_tokens: z.int(),
  total_tokens: z.int(),
});

/** The answer of every route that draws. */
export const imagesSchema = z.object({
  created: z.int().describe('Seconds since 1970.'),
  data: z.array(
    z.object({
      b64_json: z.string().optional(),
      url: z.string().optional(),
      seed: z.int().describe('Seed of this picture; with the settings it makes the same picture again.'),
    }),
  ),
  background: z.string(),
  output_format: z.string(),
  size: z.string(),
  quality: z.string().optional(),
  safety_identifier: z.string().optional(),
  settings: z
    .record(z.string(), z.union([z.number(), z.string()]).optional())
    .describe('Steps and guidance, by the names of the request.'),
  usage: usage.optional(),
});

export type ImagesAnswer = z.input<typeof imagesSchema>;
