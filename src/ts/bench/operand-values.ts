import { packStepParams, STEP_PARAMS_FLOATS, type StepParams } from '../diffusion/step-params.js';
import { operandName } from '../graph/isolate.js';
import { elementCount } from '../graph/types.js';
import { positionsOf } from '../ops/lowering.js';
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

/** Guidance, temperature, top-k of a draw. */
const SAMPLE = [2, 0.9, 24, 0];

/** Operands of an isolated node that may not be just any numbers: masks, timesteps, step parameters. Random ones serve elsewhere. */
export function meaningfulOperands(op: string, call: OpCall): Record<string, Float32Array | Uint32Array> {
  const { inputs, attrs } = call;
  if (op === 'attention') return attentionOperands(inputs);
  if (op === 'sampleCategorical') {
    const batch = inputs[2]!.shape[0]!;
    return { [operandName(2)]: Float32Array.from(Array.from({ length: batch }, () => SAMPLE).flat()) };
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

function attentionOperands(inputs: OpCall['inputs']): Record<string, Float32Array | Uint32Array> {
  const [kv, mask, position] = [inputs[1]!, inputs[3] ?? null, inputs[4] ?? null];
  const values: Record<string, Float32Array | Uint32Array> = {};
  if (mask !== null)
    values[operandName(3)] = Float32Array.from({ length: elementCount(mask.shape) }, (_, i) =>
      i % 3 === 2 ? -10000 : 0,
    );
  // A cache that is nearly full.
  if (position !== null) values[operandName(4)] = new Uint32Array(position.shape[0]!).fill(positionsOf(kv) - 3);
  return values;
}

/** Step parameters of `count` images: a step in the middle of a schedule. */
export function stepRecords(count: number, o: { guided: boolean; learned: boolean }): Float32Array {
  const records = new Float32Array(count * STEP_PARAMS_FLOATS);
  const guidanceScale = o.guided ? STEP.guidanceScale : 1;
  for (let i = 0; i < count; i++)
    packStepParams({ ...STEP, guidanceScale, learnedVariance: o.learned ? 1 : 0 }, records, i);
  return records;
}
