import type { Picture } from '../../image/picture.js';
import type { GeneratedImage } from '../../pipelines/generated-image.js';
import type { AnswerForm, decoderFields, Usage } from './answer.js';
import type { Sides } from './upload.js';

/** A request for pictures that a route has read and checked. */
export interface Drawing {
  readonly form: AnswerForm;
  /** As the answer says them. */
  readonly settings: ReturnType<typeof decoderFields>;
  /** Of the pictures, pixels. */
  readonly sides: Sides;
  /** Undefined where no text is read. */
  readonly usage: Usage | undefined;
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
