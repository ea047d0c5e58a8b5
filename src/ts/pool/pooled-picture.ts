import type { Picture } from '../image/picture.js';
import type { DrawItem } from '../pipelines/drawing.js';
import type { GeneratedImage } from '../pipelines/generated-image.js';
import type { PictureStep, SubmitOptions } from '../pipelines/scheduler/options.js';
import type { Account } from '../pipelines/scheduler/requests.js';
import type { SamplingSettings } from '../pipelines/settings.js';
import type { PictureOrder, StepNews } from './messages.js';

/** What pictures that were asked for together have in common. */
export interface Submission {
  readonly account: Account;
  readonly settings: SamplingSettings;
  readonly options: SubmitOptions;
  readonly submitted: number;
}

/** How a picture ended. */
export type Outcome = { readonly image: GeneratedImage } | { readonly error: unknown };

/** Whoever keeps the books of a picture; each is called once. */
export interface PictureEvents {
  readonly onBegin: () => void;
  readonly onEnd: (outcome: Outcome) => void;
}

const STAGES: readonly PictureStep['stage'][] = ['text', 'prior', 'decoder', 'superRes'];

/** More than a stage has steps. */
const STAGE = 1e6;

/** A picture that somebody waits for, whichever worker draws it. What it tells twice, as it is drawn anew, is passed on once. */
export class PooledPicture {
  readonly id: number;
  readonly item: DrawItem;
  readonly submission: Submission;
  /** Workers that died while they had it. */
  deaths = 0;
  /** Whether the worker that has it has begun. */
  begun = false;
  readonly #index: number;
  readonly #events: PictureEvents;
  #over = false;
  /** Where in the order of a run it has been. */
  #place = 0;
  #partials = 0;
  #embeddings = 0;

  /**
   * @param id also its place in the order of arrival
   * @param index in its request
   */
  constructor(id: number, item: DrawItem, index: number, submission: Submission, events: PictureEvents) {
    this.id = id;
    this.item = item;
    this.submission = submission;
    this.#index = index;
    this.#events = events;
  }

  /** Whether its requester has been told of its end. */
  get over(): boolean {
    return this.#over;
  }

  /** What a worker is told of it. */
  get order(): PictureOrder {
    const { account, settings, options } = this.submission;
    const { priority = 0, deadline, partialImages = 0, onPartial, onEmbedding } = options;
    return {
      id: this.id,
      request: account.number,
      item: this.item,
      settings,
      priority,
      deadlineMs: deadline === undefined ? undefined : deadline - performance.now(),
      partialImages: onPartial === undefined ? 0 : partialImages,
      embeddings: onEmbedding !== undefined,
    };
  }

  tellStep([, stage, step, steps, batch]: StepNews): void {
    this.begun = true;
    const place = STAGE * STAGES.indexOf(stage) + step;
    if (place <= this.#place) return;
    if (this.#place === 0) this.#events.onBegin();
    this.#place = place;
    const { onStep } = this.submission.options;
    this.#tell(() => onStep?.({ picture: this.#index, stage, step, steps, batch }));
  }

  tellPartial(partial: Picture, number: number): void {
    if (number < this.#partials) return;
    this.#partials = number + 1;
    const { onPartial } = this.submission.options;
    this.#tell(() => onPartial?.(partial, number, this.#index));
  }

  tellEmbedding(embedding: Float32Array, step: number, steps: number): void {
    if (step <= this.#embeddings) return;
    this.#embeddings = step;
    const { onEmbedding } = this.submission.options;
    this.#tell(() => onEmbedding?.(embedding, step, steps, this.#index));
  }

  /** Ends it, unless it has ended already. */
  end(outcome: Outcome): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.onEnd(outcome);
  }

  /** Should the requester throw at what they are told, that is the end of the picture. */
  #tell(tell: () => void): void {
    if (this.#over) return;
    try {
      tell();
    } catch (error) {
      this.end({ error });
    }
  }
}
