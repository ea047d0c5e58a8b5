import type { PictureScheduler } from '../pipelines/scheduler/picture-scheduler.js';
import type { Unclip } from '../pipelines/unclip.js';
import type { ServeConfig } from './config.js';
import type { PictureFiles } from './images/picture-files.js';
import type { Activity } from './jobs/activity.js';
import type { Captions } from './jobs/captions.js';
import type { Edits } from './jobs/edits.js';
import type { Jobs } from './jobs/jobs.js';
import type { Metrics } from './metrics.js';

/** What the routes of a service share. */
export interface Service {
  readonly config: ServeConfig;
  readonly unclip: Unclip;
  readonly scheduler: PictureScheduler;
  readonly jobs: Jobs;
  readonly edits: Edits;
  readonly captions: Captions;
  /** Requests that have not had their whole answer. */
  readonly answering: Activity;
  readonly files: PictureFiles;
  readonly metrics: Metrics;
  /** Names of the model, its own first. */
  readonly modelNames: readonly string[];
  /** Seconds since 1970 at which the service began. */
  readonly started: number;
}

const MOST_RETRY_SECONDS = 120;

/** Seconds until the pictures that wait now may have been drawn, 1 … 120: what a refused client is told to wait. */
export function retryAfterSeconds({ scheduler }: Pick<Service, 'scheduler'>): number {
  const { stages, finished, queued, workers } = scheduler.metrics();
  const busyMs = Object.values(stages).reduce((sum, { stepMs }) => sum + stepMs, 0);
  const perPictureMs = finished === 0 ? 1000 : busyMs / finished / (workers?.length ?? 1);
  return Math.min(MOST_RETRY_SECONDS, Math.max(1, Math.ceil((queued * perPictureMs) / 1000)));
}
