import { UnclipError } from '../util/errors.js';

/** A picture as codes of a discrete VAE, one for each 8 × 8 pixels, row by row. */
export interface TokenGrid {
  readonly rows: number;
  readonly columns: number;
  /** [rows · columns], each below {@link vocabulary}. */
  readonly tokens: Uint32Array;
  /** How many codes the model has that made them. */
  readonly vocabulary: number;
}

/** Most codes of a side: pictures of 4096 pixels. */
export const MAX_TOKENS_SIDE = 512;

/**
 * Checks a grid against a model with `vocabulary` codes.
 * @throws UnclipError INPUT_INVALID
 */
export function checkTokens({ rows, columns, tokens, vocabulary: own }: TokenGrid, vocabulary: number): void {
  const refuse = (what: string): never => {
    throw new UnclipError('INPUT_INVALID', `these tokens do not fit the model: ${what}`);
  };
  for (const side of [rows, columns])
    if (!Number.isInteger(side) || side < 1 || side > MAX_TOKENS_SIDE)
      refuse(`a side has ${side} codes; 1 to ${MAX_TOKENS_SIDE} are possible`);
  if (tokens.length !== rows * columns) refuse(`there are ${tokens.length}, not ${rows} × ${columns}`);
  if (own !== vocabulary) refuse(`they are of a model with ${own} codes, this one has ${vocabulary}`);
  const beyond = tokens.findIndex((token) => token >= vocabulary);
  if (beyond >= 0) refuse(`number ${beyond + 1} is ${tokens[beyond]}, the model has codes 0 to ${vocabulary - 1}`);
}
