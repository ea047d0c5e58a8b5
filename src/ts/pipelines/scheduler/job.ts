import type { DrawItem } from '../drawing.js';
import type { GeneratedImage } from '../generated-image.js';
import type { SamplingSettings } from '../settings.js';
import type { SubmitOptions } from './options.js';
import type { Picture } from './picture.js';
import type { Claim } from './policy.js';
import type { Account } from './requests.js';

/** A picture with what its requester waits for. */
export interface Job extends Claim {
  readonly account: Account;
  readonly item: DrawItem;
  readonly index: number;
  readonly guided: boolean;
  readonly withPrior: boolean;
  readonly options: SubmitOptions;
  readonly settings: SamplingSettings;
  readonly submitted: number;
  readonly resolve: (image: GeneratedImage) => void;
  readonly reject: (error: unknown) => void;
}

/** A picture that has begun. */
export interface Active {
  readonly job: Job;
  readonly picture: Picture;
  since: number;
}
