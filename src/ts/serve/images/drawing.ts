import type { Picture } from '../../image/picture.js';
import type { GeneratedImage } from '../../pipelines/generated-image.js';
import type { SamplingSettings } from '../../pipelines/settings.js';
import type { AnswerForm, Usage } from './answer.js';

/** A request for pictures that a route has read and checked. */
export interface Drawing {
  readonly form: AnswerForm;
  readonly settings: SamplingSettings;
  readonly usage: Usage;
  /** First word of the standard's event names. */
  readonly events: 'image_generation' | 'image_edit';
  /** Unfinished pictures of each picture of a stream. */
  readonly partialImages: number;
  /**
   * Starts it: a promise for each picture.
   * @param client aborted when nobody waits for the pictures any more
   */
  start(client: AbortSignal, onPartial?: OnPartial): readonly Promise<GeneratedImage>[];
}

/** @param number of the unfinished picture, from 0 @param picture its index in the request */
export type OnPartial = (partial: Picture, number: number, picture: number) => void;
