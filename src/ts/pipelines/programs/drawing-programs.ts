import type { Graph } from '../../graph/types.js';
import { decoderPreludeGraph, decoderStepGraph } from '../../models/decoder-graphs.js';
import type { ComponentName } from '../../models/model-index.js';
import { contextTokens } from '../../models/networks.js';
import { pixelsGraph, superResPrepareGraph, superResStepGraph } from '../../models/super-res-graphs.js';
import { textProjGraph } from '../../models/unclip-text-proj.js';
import type { Program } from '../../runtime/program.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { StateTensor } from '../../runtime/state.js';
import type { Checkpoint } from '../checkpoint.js';
import { NO_WEIGHTS, type Programs } from './options.js';
import type { TextPrograms } from './text-programs.js';

/**
 * From image embeddings, whoever made them, and the text programs' results to pixels: text projection, decoder, upsamplers. A
 * result of one program is, without a copy, the input of the next; they run in the order of the fields.
 */
export class DrawingPrograms implements Programs {
  /** CLIP image embeddings, not normalised, f32 [B, E]: the input. */
  readonly imageEmbeds: StateTensor;
  readonly textProj: Program;
  readonly decoderPrelude: Program;
  readonly decoderStep: Program;
  readonly superResPrepare: Program;
  readonly superResStep: Program;
  readonly superResLast: Program;
  readonly pixels: Program;

  constructor(runtime: Runtime, model: Checkpoint, text: TextPrograms) {
    const { options } = text;
    const { batch, dtype } = options;
    const { textEncoder, textProj, decoder, superResFirst, superResLast, decoderSize, superResSize } = model.configs;
    const tokens = contextTokens(model.configs);
    const make = (component: ComponentName, graph: Graph, shared: Record<string, StateTensor>): Program =>
      runtime.program(component, graph, model.weights(component), shared);
    const makeBare = (graph: Graph, shared: Record<string, StateTensor>): Program =>
      runtime.program('none', graph, NO_WEIGHTS, shared);

    this.imageEmbeds = runtime.state('image embeddings', [batch, textProj.clip_embeddings_dim], 'f32');
    this.textProj = make(
      'text_proj',
      textProjGraph(textProj, { ...options, tokens: textEncoder.max_position_embeddings }),
      { textEmbeds: text.embeds, textHidden: text.hidden, imageEmbeds: this.imageEmbeds },
    );
    const preludeGraph = decoderPreludeGraph(decoder, { ...options, tokens });
    this.decoderPrelude = make('decoder', preludeGraph, { context: this.textProj.state('context') });
    const context: Record<string, StateTensor> = {
      mask: text.contextMask,
      timeEmbeds: this.textProj.state('timeEmbeds'),
    };
    for (const name of Object.keys(preludeGraph.outputs)) context[name] = this.decoderPrelude.state(name);
    this.decoderStep = make('decoder', decoderStepGraph(decoder, { ...options, tokens }), context);

    const size = superResSize;
    const small = { latents: this.decoderStep.state('latents') };
    this.superResPrepare = makeBare(superResPrepareGraph({ batch, from: decoderSize, size }), small);
    const upscaled = this.superResPrepare.state('upscaled');
    this.superResStep = make('super_res_first', superResStepGraph(superResFirst, { batch, dtype, size }), { upscaled });
    const shared = { upscaled, ...stepStates(this.superResStep) };
    this.superResLast = make('super_res_last', superResStepGraph(superResLast, { batch, dtype, size }), shared);
    const final = { latents: this.superResStep.state('latents') };
    this.pixels = makeBare(pixelsGraph({ batch, height: size, width: size }), final);
  }

  all(): Program[] {
    return [
      this.textProj,
      this.decoderPrelude,
      this.decoderStep,
      this.superResPrepare,
      this.superResStep,
      this.superResLast,
      this.pixels,
    ];
  }

  destroy(): void {
    for (const program of this.all()) program.destroy();
    this.imageEmbeds.destroy();
  }
}

/** What two upsamplers of one stage share. */
const stepStates = (program: Program): Record<string, StateTensor> =>
  Object.fromEntries(['stepParams', 'noise', 'latents', 'x0'].map((name) => [name, program.state(name)]));
