import { UnclipError } from '../util/errors.js';

/** Groups of blocks; three halvings (or doublings) lie between them, so that a code stands for 8 × 8 pixels. */
export const DVAE_GROUPS = 4;
/** Pixels of a side that one code stands for. */
export const DVAE_PATCH = 2 ** (DVAE_GROUPS - 1);
/** logit_laplace_eps of OpenAI's dall_e/utils.py: pictures are mapped to [0.1, 0.9] before the encoder, and back behind the decoder. */
export const LAPLACE_EPS = 0.1;
/** Mean and log scale of a distribution, for each of three colours. */
export const DVAE_STATS = 6;

/** What tensor shapes say of a discrete VAE; published checkpoints have no config file. */
export interface DvaeConfig {
  /** n_hid: channels at the full size; the smallest pictures have eight times as many. */
  readonly width: number;
  /** n_init: channels that the decoder makes of a code. */
  readonly first: number;
  /** n_blk_per_group, of the encoder and of the decoder. */
  readonly encoderBlocks: number;
  readonly decoderBlocks: number;
  /** vocab_size: how many codes there are. */
  readonly vocabulary: number;
}

/** Shape of a stored tensor by its name; undefined where there is none. */
type ShapeOf = (name: string) => readonly number[] | undefined;

/**
 * Reads the sizes of OpenAI's dall_e Encoder and Decoder off their tensors (dall_e/encoder.py, dall_e/decoder.py).
 * @throws UnclipError MODEL_CONFIG_INVALID where the tensors are those of something else, or of two that do not fit
 */
export function dvaeConfig(encoder: ShapeOf, decoder: ShapeOf): DvaeConfig {
  const [width, colours] = shape('encoder', encoder, 'blocks.input.w');
  const [vocabulary] = shape('encoder', encoder, 'blocks.output.conv.w');
  const [first, codes] = shape('decoder', decoder, 'blocks.input.w');
  const [stats, decoderWidth] = shape('decoder', decoder, 'blocks.output.conv.w');
  if (colours !== 3) throw unfit(`the encoder reads ${colours} channels, not 3`);
  if (stats !== DVAE_STATS) throw unfit(`the decoder gives ${stats} channels, not ${DVAE_STATS}`);
  if (codes !== vocabulary) throw unfit(`the encoder has ${vocabulary} codes, the decoder ${codes}`);
  if (decoderWidth !== width) throw unfit(`the encoder is ${width} channels wide, the decoder ${decoderWidth}`);
  if (width % 4 !== 0) throw unfit(`they are ${width} channels wide, which 4 does not divide`);
  return {
    width,
    first,
    encoderBlocks: blocks('encoder', encoder),
    decoderBlocks: blocks('decoder', decoder),
    vocabulary,
  };
}

const unfit = (why: string): UnclipError =>
  new UnclipError('MODEL_CONFIG_INVALID', `these are no encoder and decoder of a dVAE that is supported: ${why}`);

function shape(part: string, of: ShapeOf, name: string): readonly [number, number] {
  const found = of(name);
  if (found === undefined) throw unfit(`the ${part} has no tensor ${name}`);
  const [outputs, inputs] = found;
  if (outputs === undefined || inputs === undefined || outputs < 1 || inputs < 1)
    throw unfit(`${name} of the ${part} is [${found}]`);
  return [outputs, inputs];
}

function blocks(part: string, of: ShapeOf): number {
  const has = (group: number, block: number): boolean =>
    of(`blocks.group_${group}.block_${block}.res_path.conv_1.w`) !== undefined;
  if (!has(DVAE_GROUPS, 1) || has(DVAE_GROUPS + 1, 1)) throw unfit(`the ${part} does not have ${DVAE_GROUPS} groups`);
  let count = 1;
  while (has(1, count + 1)) count++;
  return count;
}
