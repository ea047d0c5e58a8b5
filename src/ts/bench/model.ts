import type { WeightFormat } from '../graph/quantize.js';
import type { ActivationDType } from '../graph/types.js';
import { loadUnclipModel } from '../models/model-index.js';
import { type GraphRuns, graphRuns } from '../pipelines/graph-runs.js';
import { readModelInfo } from '../pipelines/model-info.js';
import { isGuided } from '../pipelines/settings.js';
import type { Runtime } from '../runtime/runtime.js';

export interface ModelOptions {
  /** Model folder; its weights need not be there. */
  readonly folder: string;
  /** What the report calls it. */
  readonly name: string;
  readonly dtype: 'auto' | ActivationDType;
  readonly weights: WeightFormat;
  /** Pictures drawn at once. */
  readonly batch: number;
}

/**
 * The graphs of a model as drawing a batch of pictures runs them, with the model's own steps and guidance.
 * @throws UnclipError MODEL_*, GPU_FEATURE_MISSING
 */
export function modelGraphs(o: ModelOptions, runtime: Runtime): { dtype: ActivationDType; graphs: GraphRuns[] } {
  const { caps } = runtime;
  const dtype = o.dtype === 'auto' ? (caps.f16 && !caps.software ? 'f16' : 'f32') : o.dtype;
  runtime.requireDType(dtype);
  const { defaults } = readModelInfo(o.folder);
  const options = { batch: o.batch, guided: isGuided(defaults), dtype, weights: o.weights };
  return { dtype, graphs: graphRuns(loadUnclipModel(o.folder), options, defaults) };
}

/** `decoder.step`, `super_res_last/super_res.step`: two networks may have graphs of one name. */
export const programName = ({ component, graph }: GraphRuns): string =>
  component === 'pixels' || graph.name.startsWith(component) ? graph.name : `${component}/${graph.name}`;
