import { readFileSync } from 'node:fs';

/**
 * The configs of karlo-v1-alpha as published (kakaobrain/karlo-v1-alpha, and the towers of openai/clip-vit-large-patch14), in the
 * words of the files; old files lack the newer keys. Parameter counts are those of the published weight files.
 */
const FILES = JSON.parse(
  readFileSync(new URL('../../bench/checkpoint/karlo-v1-alpha.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, Record<string, unknown>>>;

const config = (component: string): Record<string, unknown> => FILES[`${component}/config.json`]!;

export const KARLO = {
  prior: config('prior'),
  decoder: config('decoder'),
  super_res_first: config('super_res_first'),
  text_proj: config('text_proj'),
  text_encoder: config('text_encoder'),
  image_encoder: config('image_encoder'),
};

export const KARLO_PARAMETERS: Readonly<Record<string, number>> = {
  prior: 1_022_030_080,
  decoder: 885_439_686,
  super_res_first: 691_579_523,
  super_res_last: 691_579_523,
  text_proj: 7_878_400,
  text_encoder: 123_650_304,
  image_encoder: 303_966_208,
};
