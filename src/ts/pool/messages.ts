import type { AdapterDescription } from '../gpu/device.js';
import type { WeightFormat } from '../graph/quantize.js';
import type { ActivationDType } from '../graph/types.js';
import type { PictureParameters } from '../image/parameters.js';
import type { Picture } from '../image/picture.js';
import type { DrawItem } from '../pipelines/drawing.js';
import type { LoadOptions } from '../pipelines/engine.js';
import type { PictureStep, SchedulerOptions } from '../pipelines/scheduler/options.js';
import type { SchedulerMetrics } from '../pipelines/scheduler/scheduler-metrics.js';
import type { SamplingSettings } from '../pipelines/settings.js';
import type { CodedError } from './coded-error.js';

/** What a worker is to load: the first thing that it is told. */
export interface LoadOrder {
  readonly folder: string;
  readonly load: LoadOptions;
  readonly scheduler: SchedulerOptions;
}

/** A picture that a worker is to draw. */
export interface PictureOrder {
  readonly id: number;
  readonly request: number;
  readonly item: DrawItem;
  /** Checked, with every default filled in. */
  readonly settings: SamplingSettings;
  readonly priority: number;
  /** Milliseconds until its deadline: clocks of two processes differ. */
  readonly deadlineMs: number | undefined;
  readonly partialImages: number;
  /** Whether the prior's predictions are wanted. */
  readonly embeddings: boolean;
}

/** What a pool tells a worker. */
export type ToWorker =
  | ({ readonly type: 'load' } & LoadOrder)
  /** Pictures that are told of together can share their first batch. */
  | { readonly type: 'draw'; readonly pictures: readonly PictureOrder[] }
  | { readonly type: 'cancel'; readonly ids: readonly number[] }
  /** To be told when nothing is under way. */
  | { readonly type: 'close' };

/** A loaded model in a worker. */
export interface WorkerDescription {
  readonly adapter: AdapterDescription;
  readonly dtype: ActivationDType;
  readonly weights: WeightFormat;
  /** Most pictures in a batch, and under way at once. */
  readonly batchSize: number;
  readonly capacity: number;
}

/** A step of a picture, as its request is told of it. */
export type StepNews = readonly [id: number, stage: PictureStep['stage'], step: number, steps: number, batch: number];

/** What a worker has done since it began, and what it holds. */
export interface WorkerReport {
  readonly active: SchedulerMetrics['active'];
  readonly stages: SchedulerMetrics['stages'];
  /** GPU memory that it holds: weights, activations, rows of pictures under way. */
  readonly deviceBytes: number;
}

/** What a worker tells its pool. */
export type FromWorker =
  | ({ readonly type: 'ready' } & WorkerDescription)
  /** It could not load; it ends. */
  | { readonly type: 'failed'; readonly error: CodedError }
  | { readonly type: 'steps'; readonly steps: readonly StepNews[] }
  | { readonly type: 'partial'; readonly id: number; readonly number: number; readonly picture: Picture }
  | {
      readonly type: 'embedding';
      readonly id: number;
      readonly embedding: Float32Array;
      readonly step: number;
      readonly steps: number;
    }
  | {
      readonly type: 'image';
      readonly id: number;
      readonly width: number;
      readonly height: number;
      readonly data: Uint8Array;
      readonly parameters: PictureParameters;
    }
  /** A picture has ended otherwise. */
  | { readonly type: 'over'; readonly id: number; readonly error: CodedError }
  | ({ readonly type: 'report' } & WorkerReport);
