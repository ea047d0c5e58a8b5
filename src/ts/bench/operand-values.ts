import { packStepParams, STEP_PARAMS_FLOATS, type StepParams } from '../diffusion/step-params.js';
import { operandName } from '../graph/isolate.js';
import { elementCount } from '../graph/types.js';
import type { OpCall } from '../ops/types.js';

/** A step in the middle of a cosine schedule, its coefficients rounded. */
const STEP: StepParams = {
  timestep: 500,
  guidanceScale: 4,
  x0FromSample: 1,
  x0FromOutput: -0.7,
  x0Divisor: 0.71,
  clipRange: 1,
  x0Coeff: 0.05,
  xtCoeff: 0.94,
  std: 0.05,
  logVarMin: -6.1,
  logVarMax: -5.9,
  noiseScale: 1,
  learnedVariance: 0,
  outputClip: 0,
  x0PrevCoeff: 0,
};

/** Operands of an isolated node that may not be just any numbers: masks, timesteps, step parameters. Random ones serve elsewhere. */
export function meaningfulOperands(op: string, call: OpCall): Record<string, Float32Array> {
  const { inputs, attrs } = call;
  if (op === 'attention' && inputs[3] != null) {
    const count = elementCount(inputs[3].shape);
    return { [operandName(3)]: Float32Array.from({ length: count }, (_, i) => (i % 3 === 2 ? -10000 : 0)) };
  }
  if (op === 'timestepEmbedding') {
    const records = new Float32Array(elementCount(inputs[0]!.shape));
    for (let i = 0; i < records.length; i += STEP_PARAMS_FLOATS) records[i] = (999 + 37 * i) % 1000;
    return { [operandName(0)]: records };
  }
  if (op === 'diffusionStep') {
    const given = { guided: attrs.guided === true, learned: attrs.learnedVariance === true };
    return { [operandName(3)]: stepRecords(inputs[3]!.shape[0]!, given) };
  }
  return {};
}

/** Step parameters of `count` images: a step in the middle of a schedule. */
export function stepRecords(count: number, o: { guided: boolean; learned: boolean }): Float32Array {
  const records = new Float32Array(count * STEP_PARAMS_FLOATS);
  const guidanceScale = o.guided ? STEP.guidanceScale : 1;
  for (let i = 0; i < count; i++)
    packStepParams({ ...STEP, guidanceScale, learnedVariance: o.learned ? 1 : 0 }, records, i);
  return records;
}
