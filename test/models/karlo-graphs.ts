import type { ActivationDType, Graph } from '../../src/ts/graph/types.js';
import { clipTextGraph, parseClipTextConfig } from '../../src/ts/models/clip-text.js';
import { decoderPreludeGraph, decoderStepGraph } from '../../src/ts/models/decoder-graphs.js';
import { parsePriorConfig } from '../../src/ts/models/prior.js';
import { priorPreludeGraph, priorStepGraph } from '../../src/ts/models/prior-graphs.js';
import { superResStepGraph } from '../../src/ts/models/super-res-graphs.js';
import { parseTextProjConfig, textProjGraph } from '../../src/ts/models/unclip-text-proj.js';
import { parseUNet2DConfig } from '../../src/ts/models/unet-2d.js';
import { parseUNet2DConditionConfig } from '../../src/ts/models/unet-2d-condition.js';
import { KARLO } from './karlo.js';

/** Every network of full-size Karlo, guided, for one picture. */
export function karlo(dtype: ActivationDType): Record<string, Graph> {
  const o = { batch: 1, guided: true, dtype };
  const prior = parsePriorConfig(KARLO.prior);
  const decoder = parseUNet2DConditionConfig(KARLO.decoder);
  return {
    text: clipTextGraph(parseClipTextConfig(KARLO.text_encoder), { batch: 2, dtype }),
    priorPrelude: priorPreludeGraph(prior, o),
    priorStep: priorStepGraph(prior, o),
    textProj: textProjGraph(parseTextProjConfig(KARLO.text_proj), { ...o, tokens: 77 }),
    decoderPrelude: decoderPreludeGraph(decoder, { ...o, tokens: 81 }),
    decoderStep: decoderStepGraph(decoder, { ...o, tokens: 81 }),
    superResStep: superResStepGraph(parseUNet2DConfig(KARLO.super_res_first), { batch: 1, dtype, size: 256 }),
  };
}
