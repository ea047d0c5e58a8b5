import type { PriorArConfig } from '../../models/prior-ar.js';
import {
  priorArCacheName,
  priorArFinishGraph,
  priorArPreludeGraph,
  priorArStepGraph,
} from '../../models/prior-ar-graphs.js';
import type { Program } from '../../runtime/program.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { StateTensor } from '../../runtime/state.js';
import type { Checkpoint } from '../checkpoint.js';
import type { Programs } from './options.js';
import type { TextPrograms } from './text-programs.js';

/** The autoregressive prior: from the text programs' results to image embeddings, its key/value caches on the GPU. */
export class PriorArPrograms implements Programs {
  readonly config: PriorArConfig;
  readonly prelude: Program;
  readonly step: Program;
  readonly finish: Program;

  /**
   * @param imageEmbeds f32 [B, E], where the result goes
   * @throws UnclipError MODEL_CONFIG_INVALID when the model has no such prior
   */
  constructor(runtime: Runtime, model: Checkpoint, text: TextPrograms, imageEmbeds: StateTensor) {
    const { options, textMask: mask } = text;
    const config = model.requirePriorAr();
    this.config = config;
    const weights = model.weights('prior_ar');
    const inputs = { textEmbeds: text.embeds, textHidden: text.hidden, mask };
    this.prelude = runtime.program('prior_ar', priorArPreludeGraph(config, options), weights, inputs);
    const shared: Record<string, StateTensor> = { mask, position: this.prelude.state('position') };
    for (let i = 0; i < config.num_layers; i++) shared[priorArCacheName(i)] = this.prelude.state(priorArCacheName(i));
    this.step = runtime.program('prior_ar', priorArStepGraph(config, options), weights, shared);
    const result = { codes: this.step.state('codes'), imageEmbeds };
    this.finish = runtime.program('prior_ar', priorArFinishGraph(config, options), weights, result);
  }

  /** A step a code. */
  steps(): number {
    return this.config.num_codes;
  }

  all(): Program[] {
    return [this.prelude, this.step, this.finish];
  }

  destroy(): void {
    for (const program of this.all()) program.destroy();
  }
}
