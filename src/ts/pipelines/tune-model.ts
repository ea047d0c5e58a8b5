import type { AdapterDescription } from '../gpu/device.js';
import type { AdapterChoice } from '../gpu/find-adapter.js';
import type { WeightFormat } from '../graph/quantize.js';
import type { ActivationDType } from '../graph/types.js';
import { loadUnclipModel } from '../models/model-index.js';
import { Runtime } from '../runtime/runtime.js';
import { type TunedClass, type TuneOptions, tuneGraphs } from '../tune/tune-graphs.js';
import { TuningTable, tuningKey } from '../tune/tuning-table.js';
import { graphRuns } from './graph-runs.js';
import { readModelInfo } from './model-info.js';
import { isGuided } from './settings.js';

export interface TuneModelOptions extends TuneOptions {
  /** Default `auto`, as for drawing: f16 on GPUs that have it, else f32. */
  readonly dtype?: 'auto' | ActivationDType;
  /** Default `full`, as for drawing. */
  readonly weights?: WeightFormat;
  readonly adapter?: AdapterChoice;
  /** Pictures at once of the timed shapes. The choices hold for every other. Default as for drawing. */
  readonly batchSize?: number;
}

export interface TunedModel {
  readonly adapter: AdapterDescription;
  readonly dtype: ActivationDType;
  readonly batchSize: number;
  /** What was measured now, the costliest first; `runs` count a batch of pictures at the model's own steps. */
  readonly classes: readonly TunedClass[];
  /** All that is known of this adapter. */
  readonly table: TuningTable;
}

/**
 * Measures which kernels and tile sizes are fastest for the shapes of a model, whose weights need not be there.
 * @throws UnclipError MODEL_*, GPU_*, IO_*, CANCELLED (what was measured is kept)
 */
export async function tuneModel(folder: string, options: TuneModelOptions): Promise<TunedModel> {
  const model = loadUnclipModel(folder);
  const { defaults } = readModelInfo(folder);
  const runtime = await Runtime.open({ adapter: options.adapter });
  try {
    const { caps, adapter } = runtime.device;
    const { dtype: wanted = 'auto' } = options;
    const dtype = wanted === 'auto' ? (caps.f16 && !caps.software ? 'f16' : 'f32') : wanted;
    runtime.requireDType(dtype);
    const batchSize = options.batchSize ?? (caps.software ? 1 : 4);
    const table = TuningTable.open(tuningKey(adapter));
    const graphs = graphRuns(
      model,
      { batch: batchSize, guided: isGuided(defaults), dtype, weights: options.weights },
      defaults,
    );
    const classes = await tuneGraphs(runtime, table, graphs, options);
    return { adapter, dtype, batchSize, classes, table };
  } finally {
    await runtime.close();
  }
}
