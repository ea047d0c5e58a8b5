import type { WeightFormat } from '../graph/quantize.js';
import type { ActivationDType } from '../graph/types.js';

/** How far from PyTorch's f32 results each storage of numbers may be. */
export interface Bars {
  /** Relative L2 of every output and hook of a network. */
  readonly forward: number;
  /** Relative L2 of a sample after one reverse step, which has several networks behind it and guidance's difference of two. */
  readonly step: number;
  /** Whether steps count that divide by nearly nothing, which multiplies every error by 2e4 before it is clipped. */
  readonly amplifiedSteps: boolean;
  /** Mean and 99.9th percentile of the differences of a finished picture in [0, 1]: such a step flips single elements. */
  readonly pictureMean: number;
  readonly pictureP999: number;
  /** Largest difference of a discrete VAE's picture in [0, 1], given the same codes. */
  readonly dvaePicture: number;
}

const BARS: Readonly<Record<ActivationDType | 'q8', Bars>> = {
  f32: { forward: 1e-4, step: 1e-4, amplifiedSteps: true, pictureMean: 1e-3, pictureP999: 5e-3, dvaePicture: 1e-4 },
  f16: { forward: 1e-2, step: 1e-2, amplifiedSteps: false, pictureMean: 3e-2, pictureP999: 0.5, dvaePicture: 1e-2 },
  q8: { forward: 2e-2, step: 5e-2, amplifiedSteps: false, pictureMean: 5e-2, pictureP999: 0.6, dvaePicture: 2e-2 },
};

/** The bars of activations of `dtype`, and of weights in the same type or in 8 bits, which then decide. */
export const barsOf = (dtype: ActivationDType, weights: WeightFormat = 'full'): Bars =>
  BARS[weights === 'q8' ? 'q8' : dtype];
