import { priorContextName, priorFinishGraph, priorPreludeGraph, priorStepGraph } from '../../models/prior-graphs.js';
import type { Program } from '../../runtime/program.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { StateTensor } from '../../runtime/state.js';
import type { Checkpoint } from '../checkpoint.js';
import type { SamplingSettings } from '../settings.js';
import type { Programs } from './options.js';
import type { TextPrograms } from './text-programs.js';

/** The diffusion prior: from the text programs' results to image embeddings. */
export class PriorPrograms implements Programs {
  readonly prelude: Program;
  readonly step: Program;
  readonly finish: Program;

  /**
   * @param imageEmbeds f32 [B, E], where the result goes
   * @throws UnclipError MODEL_CONFIG_INVALID when the model has no prior
   */
  constructor(runtime: Runtime, model: Checkpoint, text: TextPrograms, imageEmbeds: StateTensor) {
    const { options } = text;
    const { config } = model.requirePrior();
    const weights = model.weights('prior');
    const mask = text.textMask;
    this.prelude = runtime.program('prior', priorPreludeGraph(config, options), weights, {
      textEmbeds: text.embeds,
      textHidden: text.hidden,
      mask,
    });
    const context: Record<string, StateTensor> = { mask, tailPositions: this.prelude.state('tailPositions') };
    for (let i = 0; i < config.num_layers; i++) context[priorContextName(i)] = this.prelude.state(priorContextName(i));
    this.step = runtime.program('prior', priorStepGraph(config, options), weights, context);
    const latents = this.step.state('latents');
    this.finish = runtime.program('prior', priorFinishGraph(config, options), weights, { latents, imageEmbeds });
  }

  steps(settings: SamplingSettings): number {
    return settings.priorSteps;
  }

  all(): Program[] {
    return [this.prelude, this.step, this.finish];
  }

  destroy(): void {
    for (const program of this.all()) program.destroy();
  }
}
