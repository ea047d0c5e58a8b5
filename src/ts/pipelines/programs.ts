import type { ActivationDType, Graph } from '../graph/types.js';
import { clipTextGraph } from '../models/clip-text.js';
import { decoderPreludeGraph, decoderStepGraph } from '../models/decoder-graphs.js';
import type { ComponentName } from '../models/model-index.js';
import { contextTokens } from '../models/networks.js';
import { priorContextName, priorFinishGraph, priorPreludeGraph, priorStepGraph } from '../models/prior-graphs.js';
import { pixelsGraph, superResPrepareGraph, superResStepGraph } from '../models/super-res-graphs.js';
import { textProjGraph } from '../models/unclip-text-proj.js';
import type { Program } from '../runtime/program.js';
import type { Runtime } from '../runtime/runtime.js';
import type { StateTensor } from '../runtime/state.js';
import type { Checkpoint } from './checkpoint.js';

export interface ProgramOptions {
  /** Pictures drawn at once. */
  readonly batch: number;
  /** Whether networks see the unconditional half as well. */
  readonly guided: boolean;
  readonly dtype: ActivationDType;
}

/**
 * Every compiled program of text-to-image for one batch size, wired to one another: a result of one is, without a copy, the
 * input of the next. They run in the order of the fields.
 */
export class TextToImagePrograms {
  readonly options: ProgramOptions;
  readonly text: Program;
  readonly priorPrelude: Program;
  readonly priorStep: Program;
  readonly priorFinish: Program;
  readonly textProj: Program;
  readonly decoderPrelude: Program;
  readonly decoderStep: Program;
  readonly superResPrepare: Program;
  readonly superResStep: Program;
  readonly superResLast: Program;
  readonly pixels: Program;
  /** Additive attention masks, f32 [R, 77] of the text and [R, 81] of the decoder's context. */
  readonly textMask: StateTensor;
  readonly contextMask: StateTensor;

  constructor(runtime: Runtime, model: Checkpoint, options: ProgramOptions) {
    this.options = options;
    const { batch, guided, dtype } = options;
    const rows = guided ? 2 * batch : batch;
    const { textEncoder, textProj, prior, decoder, superResFirst, superResLast } = model.configs;
    const textTokens = textEncoder.max_position_embeddings;
    const tokens = contextTokens(model.configs);
    const make = (component: ComponentName | 'none', graph: Graph, shared: Record<string, StateTensor> = {}): Program =>
      runtime.program(component, graph, component === 'none' ? NO_WEIGHTS : model.weights(component), shared);

    this.textMask = runtime.state('text mask', [rows, textTokens], 'f32');
    this.contextMask = runtime.state('context mask', [rows, tokens], 'f32');
    this.text = make('text_encoder', clipTextGraph(textEncoder, { batch: rows, dtype }));
    const textEmbeds = this.text.state('textEmbeds');
    const textHidden = this.text.state('lastHiddenState');

    const mask = this.textMask;
    this.priorPrelude = make('prior', priorPreludeGraph(prior, options), { textEmbeds, textHidden, mask });
    const priorContext: Record<string, StateTensor> = { mask, tailPositions: this.priorPrelude.state('tailPositions') };
    for (let i = 0; i < prior.num_layers; i++) {
      const name = priorContextName(i);
      priorContext[name] = this.priorPrelude.state(name);
    }
    this.priorStep = make('prior', priorStepGraph(prior, options), priorContext);
    this.priorFinish = make('prior', priorFinishGraph(prior, options), { latents: this.priorStep.state('latents') });

    const imageEmbeds = this.priorFinish.state('imageEmbeds');
    const projection = { textEmbeds, textHidden, imageEmbeds };
    this.textProj = make('text_proj', textProjGraph(textProj, { ...options, tokens: textTokens }), projection);
    const preludeGraph = decoderPreludeGraph(decoder, { ...options, tokens });
    this.decoderPrelude = make('decoder', preludeGraph, { context: this.textProj.state('context') });
    const stepGraph = decoderStepGraph(decoder, { ...options, tokens });
    const decoderContext: Record<string, StateTensor> = {
      mask: this.contextMask,
      timeEmbeds: this.textProj.state('timeEmbeds'),
    };
    for (const name of Object.keys(preludeGraph.outputs)) decoderContext[name] = this.decoderPrelude.state(name);
    this.decoderStep = make('decoder', stepGraph, decoderContext);

    const size = model.configs.superResSize;
    const from = model.configs.decoderSize;
    const small = { latents: this.decoderStep.state('latents') };
    this.superResPrepare = make('none', superResPrepareGraph({ batch, from, size }), small);
    const upscaled = this.superResPrepare.state('upscaled');
    this.superResStep = make('super_res_first', superResStepGraph(superResFirst, { batch, dtype, size }), { upscaled });
    const shared = { upscaled, ...stepStates(this.superResStep) };
    this.superResLast = make('super_res_last', superResStepGraph(superResLast, { batch, dtype, size }), shared);
    const final = { latents: this.superResStep.state('latents') };
    this.pixels = make('none', pixelsGraph({ batch, height: size, width: size }), final);
  }

  /** In the order of a run. */
  all(): Program[] {
    return [
      this.text,
      this.priorPrelude,
      this.priorStep,
      this.priorFinish,
      this.textProj,
      this.decoderPrelude,
      this.decoderStep,
      this.superResPrepare,
      this.superResStep,
      this.superResLast,
      this.pixels,
    ];
  }

  /** Compiles every pipeline, loads weights and binds buffers, as far as the weight budget lets all of it stay. */
  async prepare(): Promise<void> {
    for (const program of this.all()) await program.prepare();
  }

  destroy(): void {
    for (const program of this.all()) program.destroy();
    this.textMask.destroy();
    this.contextMask.destroy();
  }
}

/** Graphs without weights: resizing, pixels. */
const NO_WEIGHTS = {
  pack(): never {
    throw new Error('a graph without weights asked for one');
  },
};

/** What two upsamplers of one stage share. */
const stepStates = (program: Program): Record<string, StateTensor> =>
  Object.fromEntries(['stepParams', 'noise', 'latents', 'x0'].map((name) => [name, program.state(name)]));
