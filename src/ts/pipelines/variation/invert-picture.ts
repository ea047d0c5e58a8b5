import type { SamplingChoice } from '../../diffusion/samplers/registry.js';
import type { Picture } from '../../image/picture.js';
import { asSample, middleSquare } from '../../image/square.js';
import { UnclipError } from '../../util/errors.js';
import { inSlices } from '../../util/sliced.js';
import type { Engine } from '../engine.js';
import { Inverter, type InverterHooks } from '../inverter.js';
import { submitPrograms } from '../run-stage.js';
import type { SamplingSettings } from '../settings.js';

/** What decoder and upsampler need beside a picture's CLIP embedding to draw that very picture. */
export interface InvertedPicture {
  /** x_T of the decoder: f32 [S, S, 3], channels last. */
  readonly start: Float32Array;
  /** What the picture has at the upsampler's size beyond its own small version enlarged: f32 [L, L, 3], −2 … 2. */
  readonly detail: Float32Array;
}

/**
 * Settings under which the decoder runs back and forth: DDIM on levels that are dense where there is little noise, since a
 * network's errors there are what x_T magnifies; guided by nothing, since guidance does not run backwards (on the bundled model,
 * 40 dB without and 19 dB with it).
 */
export const invertible = (settings: SamplingSettings): SamplingSettings => ({
  ...settings,
  sampler: 'ddim',
  spacing: 'karras',
  eta: 0,
  priorGuidanceScale: 1,
  decoderGuidanceScale: 1,
});

/** @throws UnclipError INPUT_INVALID for a sampler that cannot decode an inverted picture */
export function refuseSampler({ sampler, spacing, eta }: SamplingChoice): void {
  if (sampler !== undefined || spacing !== undefined || eta !== undefined)
    throw new UnclipError(
      'INPUT_INVALID',
      'sampler, spacing and eta are set: an inverted picture is decoded as it was inverted; leave them out',
    );
}

/**
 * How a frame is drawn that lies on a way from an inverted picture: `away` 0 is the picture itself. A picture's x_T carries the
 * network's errors too and is some times as long as noise; a network that is told something else takes what is too long for
 * dark or light. So its length goes to that of noise, and guidance from none to `guidance`, quickly at first.
 * @param away 0 … 1
 */
export function leaving(
  start: Float32Array,
  away: number,
  guidance: number,
): { readonly start: Float32Array; readonly decoderGuidanceScale: number } {
  const rms = Math.sqrt(start.reduce((sum, value) => sum + value ** 2, 0) / start.length);
  const scale = rms > 1 ? rms ** -away : 1;
  return {
    start: start.map((value) => value * scale),
    decoderGuidanceScale: 1 + (guidance - 1) * Math.sqrt(away),
  };
}

/**
 * The bipartite latent representation of a picture (arXiv 2204.06125, section 3): beside its embedding, the x_T from which DDIM
 * with the settings of {@link invertible} draws it again. To be called in the engine's turn.
 * @param imageEmbeds the picture's CLIP embedding, f32 [E]
 * @throws UnclipError CANCELLED within one step of the signal; GPU_*
 */
export async function invertPicture(
  engine: Engine,
  picture: Picture,
  imageEmbeds: Float32Array,
  settings: SamplingSettings,
  hooks: InverterHooks = {},
): Promise<InvertedPicture> {
  const { runtime, model } = engine;
  const { decoderSize, superResSize } = model.configs;
  const { text, drawing } = engine.programs(1, false);
  const small = asSample(await inSlices(middleSquare(picture, decoderSize)));
  drawing.decoderStep.state('latents').write(small);
  await submitPrograms(runtime, drawing.superResPrepare);
  const upscaled = await drawing.superResPrepare.state('upscaled').read();
  const detail = asSample(await inSlices(middleSquare(picture, superResSize))).map((value, i) => value - upscaled[i]!);

  text.write(['']);
  drawing.imageEmbeds.write(imageEmbeds);
  await submitPrograms(runtime, text.encoder, drawing.textProj, drawing.decoderPrelude);
  const { decoderSteps: steps, spacing = 'karras' } = invertible(settings);
  const inverter = new Inverter(runtime, {
    schedule: model.schedules.decoder,
    program: drawing.decoderStep,
    batch: 1,
    steps,
    spacing,
    guidanceScale: 1,
  });
  await inverter.run(small, hooks);
  return { start: await inverter.latents.read(), detail };
}
