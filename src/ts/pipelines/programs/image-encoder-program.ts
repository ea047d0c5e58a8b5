import { clipVisionGraph } from '../../models/clip-vision.js';
import type { NetworkOptions } from '../../models/layers.js';
import type { Program } from '../../runtime/program.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { StateTensor } from '../../runtime/state.js';
import type { Checkpoint } from '../checkpoint.js';
import type { Programs } from './options.js';

/** CLIP's image encoder for `batch` preprocessed pictures. */
export class ImageEncoderProgram implements Programs {
  readonly encoder: Program;

  /** @throws UnclipError MODEL_CONFIG_INVALID when the model has none */
  constructor(runtime: Runtime, model: Checkpoint, options: NetworkOptions) {
    const { config } = model.requireImageEncoder();
    this.encoder = runtime.program('image_encoder', clipVisionGraph(config, options), model.weights('image_encoder'));
  }

  /** f32 [B, S, S, 3] as ClipPreprocessor gives them. */
  get pixels(): StateTensor {
    return this.encoder.state('pixels');
  }

  /** f32 [B, E], not normalised. */
  get embeds(): StateTensor {
    return this.encoder.state('imageEmbeds');
  }

  all(): Program[] {
    return [this.encoder];
  }

  destroy(): void {
    this.encoder.destroy();
  }
}
