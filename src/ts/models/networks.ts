import type { Graph } from '../graph/types.js';
import { CLIP_TEXT_IGNORED_TENSORS, clipTextGraph } from './clip-text.js';
import { CLIP_VISION_IGNORED_TENSORS, clipVisionGraph } from './clip-vision.js';
import { decoderPreludeGraph, decoderStepGraph } from './decoder-graphs.js';
import { type GuidedOptions, networkRows } from './layers.js';
import type { ComponentName, UnclipModel } from './model-index.js';
import { PRIOR_AR_IGNORED_TENSORS } from './prior-ar.js';
import { priorArFinishGraph, priorArPreludeGraph, priorArStepGraph } from './prior-ar-graphs.js';
import { priorFinishGraph, priorPreludeGraph, priorStepGraph } from './prior-graphs.js';
import { superResStepGraph } from './super-res-graphs.js';
import { textProjGraph } from './unclip-text-proj.js';

/** One network of a checkpoint with everything that runs on its weights. */
export interface Network {
  /** The folder of its config and weights. */
  readonly component: ComponentName;
  /** In the order of a run; a weight that several of them ask for is one and the same. */
  readonly graphs: readonly Graph[];
  /** Checkpoint tensors that are no weights: the loader may skip these and no others. */
  readonly ignoredTensors: readonly string[];
}

/** Tokens of the decoder's context: the image's and the text's. */
export const contextTokens = (m: UnclipModel): number =>
  m.textProj.clip_extra_context_tokens + m.textEncoder.max_position_embeddings;

/** Every network of a model, as text-to-image (or variations) run them: for `inspect`, for weight checks, for memory plans. */
export function unclipNetworks(m: UnclipModel, o: GuidedOptions): Network[] {
  const tokens = contextTokens(m);
  const size = m.superResSize;
  const rows = { ...o, batch: networkRows(o) };
  const network = (component: ComponentName, graphs: Graph[], ignoredTensors: readonly string[] = []): Network => ({
    component,
    graphs,
    ignoredTensors,
  });
  const networks = [network('text_encoder', [clipTextGraph(m.textEncoder, rows)], CLIP_TEXT_IGNORED_TENSORS)];
  if (m.imageEncoder !== null)
    networks.push(network('image_encoder', [clipVisionGraph(m.imageEncoder, o)], CLIP_VISION_IGNORED_TENSORS));
  if (m.prior !== null)
    networks.push(
      network('prior', [priorPreludeGraph(m.prior, o), priorStepGraph(m.prior, o), priorFinishGraph(m.prior, o)]),
    );
  if (m.priorAr !== null) {
    const graphs = [
      priorArPreludeGraph(m.priorAr, o),
      priorArStepGraph(m.priorAr, o),
      priorArFinishGraph(m.priorAr, o),
    ];
    networks.push(network('prior_ar', graphs, PRIOR_AR_IGNORED_TENSORS));
  }
  networks.push(
    network('text_proj', [textProjGraph(m.textProj, { ...o, tokens: m.textEncoder.max_position_embeddings })]),
    network('decoder', [
      decoderPreludeGraph(m.decoder, { ...o, tokens }),
      decoderStepGraph(m.decoder, { ...o, tokens }),
    ]),
    network('super_res_first', [superResStepGraph(m.superResFirst, { ...o, size })]),
    network('super_res_last', [superResStepGraph(m.superResLast, { ...o, size })]),
  );
  return networks;
}
