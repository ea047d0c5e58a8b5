import type { StepParams } from './step-params.js';

const f = Math.fround;

/** What one reverse step reads for one image. All arrays are channels last. */
export interface StepInputs {
  /** x_t, [elements] = [..., channels]. */
  sample: Float32Array;
  /** Model output of the conditional half, [..., channels], or [..., 2 * channels] with a learned variance. */
  conditional: Float32Array;
  /** Model output of the unconditional half, the same shape; needed when guidanceScale is not 1. */
  unconditional?: Float32Array;
  /** Standard normal draws, [elements]; needed when noiseScale is not 0. */
  noise?: Float32Array;
  /** The x0 of the step before, [elements]; needed when x0PrevCoeff is not 0. */
  x0Prev?: Float32Array;
  /** Channels of the sample; needed with a learned variance only. */
  channels?: number;
}

/**
 * One reverse diffusion step of one image in plain f32 arithmetic: the reference that the GPU kernel is tested against.
 * Formulas: step-params.ts (diffusers 0.21, scheduling_unclip.py `step`).
 * @returns x_{t-1} and the clipped prediction of x_0, [elements] each
 * @throws RangeError when an input is missing or has another length
 */
export function stepReference(params: StepParams, inputs: StepInputs): { sample: Float32Array; x0: Float32Array } {
  const { sample, conditional, unconditional, noise, x0Prev } = inputs;
  const learned = params.learnedVariance !== 0;
  const guided = params.guidanceScale !== 1;
  const noisy = params.noiseScale !== 0;
  const multistep = params.x0PrevCoeff !== 0;
  const width = learned ? 2 : 1;
  const channels = inputs.channels ?? (learned ? 0 : sample.length);
  expectLength('conditional', conditional, sample.length * width);
  if (guided) expectLength('unconditional', unconditional, sample.length * width);
  if (noisy) expectLength('noise', noise, sample.length);
  if (multistep) expectLength('x0Prev', x0Prev, sample.length);
  if (channels <= 0 || sample.length % channels !== 0)
    throw new RangeError(`channels ${channels} do not divide the sample`);

  const next = new Float32Array(sample.length);
  const x0 = new Float32Array(sample.length);
  for (let i = 0; i < sample.length; i++) {
    const at = Math.floor(i / channels) * channels * width + (i % channels);
    const x = sample[i]!;
    const c = conditional[at]!;
    const out = guided ? guide(c, unconditional![at]!, params.guidanceScale) : c;
    const clean = f(f(f(params.x0FromSample * x) + f(params.x0FromOutput * out)) / params.x0Divisor);
    x0[i] = clampTo(clean, params.clipRange);
    let value = f(f(params.x0Coeff * x0[i]!) + f(params.xtCoeff * x));
    if (multistep) value = f(value + f(params.x0PrevCoeff * x0Prev![i]!));
    if (noisy) {
      const sd = learned ? learnedDeviation(conditional[at + channels]!, params) : params.std;
      value = f(value + f(params.noiseScale * f(sd * noise![i]!)));
    }
    next[i] = clampTo(value, params.outputClip);
  }
  return { sample: next, x0 };
}

/** Classifier-free guidance (arXiv 2207.12598) as diffusers writes it: u + s*(c - u). */
function guide(conditional: number, unconditional: number, scale: number): number {
  return f(unconditional + f(scale * f(conditional - unconditional)));
}

/** exp(0.5 * log variance), the log variance interpolated by the network (arXiv 2102.09672, formula 15). */
function learnedDeviation(value: number, { logVarMin, logVarMax }: StepParams): number {
  const frac = f(f(value + 1) / 2);
  return f(Math.exp(f(0.5 * f(f(frac * logVarMax) + f(f(1 - frac) * logVarMin)))));
}

/** x clamped to ±range; a range of 0 clamps nothing. */
function clampTo(x: number, range: number): number {
  return range > 0 ? Math.min(Math.max(x, -range), range) : x;
}

function expectLength(name: string, array: Float32Array | undefined, length: number): void {
  if (array?.length !== length) throw new RangeError(`${name} has ${array?.length ?? 'no'} elements, not ${length}`);
}
