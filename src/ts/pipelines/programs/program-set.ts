import type { GuidedOptions } from '../../models/layers.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { Checkpoint } from '../checkpoint.js';
import type { PriorChoice } from '../settings.js';
import { DrawingPrograms } from './drawing-programs.js';
import { InpaintingPrograms } from './inpainting-programs.js';
import { PriorArPrograms } from './prior-ar-programs.js';
import { PriorPrograms } from './prior-programs.js';
import { TextPrograms } from './text-programs.js';

/** Every program of one batch size, wired to one another. A prior is made when it is first asked for: variations need none; so is what edits need. */
export class ProgramSet {
  readonly text: TextPrograms;
  readonly drawing: DrawingPrograms;
  readonly #runtime: Runtime;
  readonly #model: Checkpoint;
  #prior: PriorPrograms | undefined;
  #priorAr: PriorArPrograms | undefined;
  #inpainting: InpaintingPrograms | undefined;

  constructor(runtime: Runtime, model: Checkpoint, options: GuidedOptions) {
    this.#runtime = runtime;
    this.#model = model;
    this.text = new TextPrograms(runtime, model, options);
    this.drawing = new DrawingPrograms(runtime, model, this.text);
  }

  /** @throws UnclipError MODEL_CONFIG_INVALID when the model has no prior */
  get prior(): PriorPrograms {
    this.#prior ??= new PriorPrograms(this.#runtime, this.#model, this.text, this.drawing.imageEmbeds);
    return this.#prior;
  }

  /** @throws UnclipError MODEL_CONFIG_INVALID when the model has no autoregressive prior */
  get priorAr(): PriorArPrograms {
    this.#priorAr ??= new PriorArPrograms(this.#runtime, this.#model, this.text, this.drawing.imageEmbeds);
    return this.#priorAr;
  }

  /** The prior that is asked for. @throws UnclipError MODEL_CONFIG_INVALID when the model has none of this kind */
  priorOf({ prior }: PriorChoice): PriorPrograms | PriorArPrograms {
    return prior === 'ar' ? this.priorAr : this.prior;
  }

  get inpainting(): InpaintingPrograms {
    this.#inpainting ??= new InpaintingPrograms(this.#runtime, this.drawing);
    return this.#inpainting;
  }

  destroy(): void {
    this.#inpainting?.destroy();
    this.#prior?.destroy();
    this.#priorAr?.destroy();
    this.drawing.destroy();
    this.text.destroy();
  }
}
