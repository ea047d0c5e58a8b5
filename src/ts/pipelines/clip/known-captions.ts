import { UnclipError } from '../../util/errors.js';
import type { ModelInfo } from '../model-info.js';

/** Most captions of a model. */
const MOST = 10_000;

/**
 * The captions that stand for what a model can draw, in the order of its words; none for a model that says nothing of them.
 * @throws UnclipError MODEL_CONFIG_INVALID: a group that is not there, or over 10,000 captions
 */
export function knownCaptions({ name, captions, world = {} }: ModelInfo): string[] {
  if (captions === undefined) return [];
  const groups = { ...world, ...captions.words };
  let made = [captions.pattern];
  for (const [place, group] of captions.pattern.matchAll(/\{(\w+)\}/g)) {
    const words = groups[group!];
    if (words === undefined)
      throw invalid(`${name}: unclip.json: captions name the words '${group}', which are not there`);
    made = made.flatMap((caption) => words.map((word) => caption.replace(place, word)));
    if (made.length > MOST) throw invalid(`${name}: unclip.json: captions are more than ${MOST}`);
  }
  return made.map((caption) => caption.replace(/\ba (?=[aeiou])/g, 'an '));
}

const invalid = (message: string): UnclipError => new UnclipError('MODEL_CONFIG_INVALID', message);
