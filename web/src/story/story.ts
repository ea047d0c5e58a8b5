import type { NearCaption, PriorStep } from '../api/draw.js';
import type { Frame } from '../gallery/entry.js';

/** How a picture came to be: the prior's steps, then unfinished pictures, then the picture. */
export interface Story {
  readonly prior: readonly PriorStep[];
  readonly frames: readonly Frame[];
  readonly picture: Blob | undefined;
}

/** A moment of a story. */
export interface Moment {
  readonly stage: string;
  /** What there is of the picture. */
  readonly file: Blob | undefined;
  /** What the prior thinks; empty where nothing is known of it. */
  readonly captions: readonly NearCaption[];
}

const STAGES = { decoder: 'Decoder', superRes: 'Upsampler' } as const;

export const stageName = (stage: Frame['stage'] | 'prior'): string => (stage === 'prior' ? 'Prior' : STAGES[stage]);

export const lengthOf = ({ prior, frames, picture }: Story): number =>
  prior.length + frames.length + (picture === undefined ? 0 : 1);

/** @param at 0 … {@link lengthOf} − 1 */
export function momentOf({ prior, frames, picture }: Story, at: number): Moment {
  const step = prior[at];
  if (step !== undefined)
    return { stage: `Prior, step ${step.step} of ${step.steps}`, file: undefined, captions: step.captions };
  const captions = prior.at(-1)?.captions ?? [];
  const frame = frames[at - prior.length];
  if (frame !== undefined) {
    const stage = `${stageName(frame.stage)}, step ${frame.step} of ${frame.steps}`;
    return { stage, file: frame.file, captions };
  }
  return { stage: 'The picture', file: picture, captions };
}
