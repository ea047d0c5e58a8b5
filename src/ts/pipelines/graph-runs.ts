import { type WeightFormat, withWeights } from '../graph/quantize.js';
import type { Graph } from '../graph/types.js';
import type { GuidedOptions } from '../models/layers.js';
import type { UnclipModel } from '../models/model-index.js';
import { unclipNetworks } from '../models/networks.js';
import { pixelsGraph, superResPrepareGraph } from '../models/super-res-graphs.js';
import type { SamplingSettings } from './settings.js';

/** A graph of drawing from text. */
export interface GraphRuns {
  /** The network's folder; `pixels` for the graphs that have no weights. */
  readonly component: string;
  readonly graph: Graph;
  /** How often it runs for one batch of pictures. */
  readonly runs: number;
}

/** Every graph that drawing a batch of pictures from text runs, in the order of a run. Pure. */
export function graphRuns(
  model: UnclipModel,
  options: GuidedOptions & { readonly weights?: WeightFormat },
  steps: SamplingSettings,
): GraphRuns[] {
  const { batch } = options;
  const { decoderSize, superResSize } = model;
  const otherPrior = steps.prior === 'ar' ? 'prior' : 'prior_ar';
  const times: Readonly<Record<string, number>> = {
    'prior.step': steps.priorSteps,
    'prior_ar.step': model.priorAr?.num_codes ?? 0,
    'decoder.step': steps.decoderSteps,
  };
  const networks = unclipNetworks(model, options)
    .filter(({ component }) => component !== 'image_encoder' && component !== otherPrior)
    .flatMap(({ component, graphs }) =>
      graphs.map((graph): GraphRuns => {
        // The last step has an upsampler of its own.
        const runs = component === 'super_res_first' ? steps.superResSteps - 1 : (times[graph.name] ?? 1);
        return { component, graph: withWeights(graph, options.weights), runs };
      }),
    );
  const first = networks.findIndex(({ component }) => component === 'super_res_first');
  const prepare = superResPrepareGraph({ batch, from: decoderSize, size: superResSize });
  const pixels = pixelsGraph({ batch, height: superResSize, width: superResSize });
  return [
    ...networks.slice(0, first),
    { component: 'pixels', graph: prepare, runs: 1 },
    ...networks.slice(first),
    { component: 'pixels', graph: pixels, runs: 1 },
  ];
}
