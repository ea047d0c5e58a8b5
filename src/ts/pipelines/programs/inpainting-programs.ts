import { keepKnownGraph } from '../../models/inpainting-graphs.js';
import type { Program } from '../../runtime/program.js';
import type { Runtime } from '../../runtime/runtime.js';
import type { DrawingPrograms } from './drawing-programs.js';
import { NO_WEIGHTS, type Programs } from './options.js';

/** Masked sampling: what runs after each step of decoder and upsampler, on their samples. */
export class InpaintingPrograms implements Programs {
  readonly decoder: Program;
  readonly superRes: Program;

  constructor(runtime: Runtime, { decoderStep, superResStep }: DrawingPrograms) {
    const keepKnown = (step: Program): Program => {
      const latents = step.state('latents');
      const [batch, size, , channels] = latents.shape as [number, number, number, number];
      return runtime.program('none', keepKnownGraph({ batch, size, channels }), NO_WEIGHTS, { latents });
    };
    this.decoder = keepKnown(decoderStep);
    this.superRes = keepKnown(superResStep);
  }

  all(): Program[] {
    return [this.decoder, this.superRes];
  }

  destroy(): void {
    for (const program of this.all()) program.destroy();
  }
}
