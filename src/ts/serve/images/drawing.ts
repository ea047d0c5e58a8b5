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
  /** What a stream shows on the way. */
  readonly shown: Shown;
  /**
   * Starts it: a promise for each picture.
   * @param client aborted when nobody waits for the pictures any more
   */
  start(client: AbortSignal, watched?: Watched): readonly Promise<GeneratedImage>[];
}

/** What is shown of pictures before they are finished. */
export interface Shown {
  /** Unfinished states of each picture. */
  readonly partials: number;
  /** Whether a client that is slow gets the latest of them only: more than the standard has. */
  readonly previews: boolean;
  /** Captions that are told after each step of the prior; 0: none. */
  readonly captions: number;
}

/** Nothing but finished pictures. */
export const NOTHING_SHOWN: Shown = { partials: 0, previews: false, captions: 0 };

/** Where a picture is. */
export interface At {
  readonly stage: string;
  /** Steps of the stage that are done, 1 … steps. */
  readonly step: number;
  readonly steps: number;
}

/** Whoever is told of pictures on their way; `picture` is the index in the request. */
export interface Watcher {
  /** @param number of the unfinished state, from 0 */
  onPartial(partial: Picture, number: number, picture: number, at: At): void;
  /** @param embedding what the prior predicts after `step` of its `steps`, f32 [E] */
  onEmbedding(embedding: Float32Array, step: number, steps: number, picture: number): void;
}

/** A watcher, and what they want to see. */
export interface Watched {
  readonly shown: Shown;
  readonly watcher: Watcher;
}
