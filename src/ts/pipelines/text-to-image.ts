import type { Program } from '../runtime/program.js';
import type { Runtime } from '../runtime/runtime.js';
import type { ClipTokenizer, EncodedPrompt } from '../text/clip-tokenizer.js';
import { UnclipError } from '../util/errors.js';
import type { Checkpoint } from './checkpoint.js';
import type { NoiseSource, StageName } from './noise.js';
import type { TextToImagePrograms } from './programs.js';
import { type PreparedStep, Sampler } from './sampler.js';
import type { SamplingSettings } from './settings.js';

/** What a run tells while it goes. */
export interface Progress {
  readonly stage: 'text' | StageName;
  /** Steps of the stage that are done, 1 … steps. */
  readonly step: number;
  readonly steps: number;
}

export interface RunHooks {
  readonly signal?: AbortSignal;
  /** Called after each step has run on the GPU; awaited, so that a preview can be read out of the sampler. */
  readonly onStep?: (progress: Progress, sampler: Sampler | undefined) => void | Promise<void>;
}

/** diffusers' additive mask: what a padded key's score gets. */
const MASKED = -10000;

/**
 * DALL·E 2's text-to-image on compiled programs (arXiv 2204.06125; diffusers' UnCLIPPipeline): text encoder → prior → decoder →
 * upsamplers. Everything stays on the GPU; `programs.pixels` holds the pictures in the end.
 */
export class TextToImageRun {
  readonly prior: Sampler;
  readonly decoder: Sampler;
  readonly superRes: Sampler;
  readonly #runtime: Runtime;
  readonly #model: Checkpoint;
  readonly #programs: TextToImagePrograms;

  constructor(runtime: Runtime, model: Checkpoint, programs: TextToImagePrograms, settings: SamplingSettings) {
    this.#runtime = runtime;
    this.#model = model;
    this.#programs = programs;
    const { batch } = programs.options;
    const { prior, decoder, superResFirst, decoderSize, superResSize } = model.configs;
    const sampler = (stage: StageName, o: Omit<ConstructorParameters<typeof Sampler>[1], 'stage' | 'batch'>): Sampler =>
      new Sampler(runtime, { stage, batch, ...o });
    this.prior = sampler('prior', {
      schedule: model.schedules.prior,
      steps: settings.priorSteps,
      guidanceScale: settings.priorGuidanceScale,
      sampleShape: [prior.embedding_dim],
      program: programs.priorStep,
    });
    this.decoder = sampler('decoder', {
      schedule: model.schedules.decoder,
      steps: settings.decoderSteps,
      guidanceScale: settings.decoderGuidanceScale,
      sampleShape: [decoder.in_channels, decoderSize, decoderSize],
      program: programs.decoderStep,
    });
    this.superRes = sampler('superRes', {
      schedule: model.schedules.superRes,
      steps: settings.superResSteps,
      guidanceScale: 1,
      sampleShape: [superResFirst.out_channels, superResSize, superResSize],
      program: programs.superResStep,
      lastProgram: programs.superResLast,
    });
  }

  /** Draws a batch. @throws UnclipError CANCELLED within one step of `signal`'s abort; GPU_* when the device fails. */
  async run(prompts: readonly string[], noise: NoiseSource, hooks: RunHooks = {}): Promise<void> {
    const { text, priorPrelude, priorFinish, textProj, decoderPrelude, superResPrepare, pixels } = this.#programs;
    this.encodePrompts(prompts);
    await this.#submit(text, priorPrelude);
    await this.#runtime.device.idle();
    await this.#done('text', 1, 1, undefined, hooks);
    await this.#stage(this.prior, noise, hooks);
    await this.#submit(priorFinish, textProj, decoderPrelude);
    await this.#stage(this.decoder, noise, hooks);
    await this.#submit(superResPrepare);
    await this.#stage(this.superRes, noise, hooks);
    await this.#submit(pixels);
    await this.#runtime.device.idle();
  }

  /** Prepares programs, which loads their weights where the budget had evicted them, and submits them. */
  async #submit(...programs: readonly Program[]): Promise<void> {
    for (const program of programs) {
      await program.prepare();
      this.#runtime.submit([program]);
    }
  }

  /** Writes token ids, pooling positions and masks: unconditional rows (the empty prompt) first. */
  encodePrompts(prompts: readonly string[]): void {
    const { batch, guided } = this.#programs.options;
    if (prompts.length !== batch)
      throw new UnclipError('INPUT_INVALID', `${prompts.length} prompts were given to a batch of ${batch}`);
    const rows = [...(guided ? prompts.map(() => '') : []), ...prompts];
    const encoded = encodeAll(this.#model.tokenizer, rows);
    const { text, textMask, contextMask } = this.#programs;
    text.state('ids').write(Uint32Array.from(encoded.flatMap((e) => [...e.ids])));
    text.state('endIndex').write(Uint32Array.from(encoded.map((e) => e.endIndex)));
    const masks = encoded.map((e) => Array.from(e.mask, (word) => (word === 1 ? 0 : MASKED)));
    textMask.write(Float32Array.from(masks.flat()));
    const extra = new Array<number>(this.#model.configs.textProj.clip_extra_context_tokens).fill(0);
    contextMask.write(Float32Array.from(masks.flatMap((mask) => [...extra, ...mask])));
  }

  /** While the GPU runs a step, the next one is recorded: only its submission waits for the hooks. */
  async #stage(sampler: Sampler, noise: NoiseSource, hooks: RunHooks): Promise<void> {
    sampler.start(noise);
    const steps = sampler.steps.length;
    let prepared: PreparedStep | undefined;
    for (let i = 0; i < steps; i++) {
      const step = prepared ?? (await sampler.prepare(i, noise));
      step.submit();
      // Another program's weights may have to take the place of this one's, which must not happen before it has run.
      const ahead = i + 1 < steps && sampler.sameProgram(i, i + 1);
      [, prepared] = await Promise.all([
        this.#runtime.device.idle(),
        ahead ? sampler.prepare(i + 1, noise, true) : undefined,
      ]);
      await this.#done(sampler.options.stage, i + 1, steps, sampler, hooks);
    }
  }

  async #done(
    stage: Progress['stage'],
    step: number,
    steps: number,
    sampler: Sampler | undefined,
    hooks: RunHooks,
  ): Promise<void> {
    await hooks.onStep?.({ stage, step, steps }, sampler);
    if (hooks.signal?.aborted) throw new UnclipError('CANCELLED', 'drawing was cancelled');
  }
}

/** Each distinct prompt is tokenised once. */
function encodeAll(tokenizer: ClipTokenizer, prompts: readonly string[]): EncodedPrompt[] {
  const known = new Map<string, EncodedPrompt>();
  return prompts.map((prompt) => {
    const encoded = known.get(prompt) ?? tokenizer.encode(prompt);
    known.set(prompt, encoded);
    return encoded;
  });
}
