import { gumbel, priorArPrefixLength, topHalfScoreToken, unknownScoreToken } from '../models/prior-ar.js';
import { SAMPLE_SETTINGS } from '../ops/sampling/sample-categorical.js';
import type { Runtime } from '../runtime/runtime.js';
import type { UniformSource } from './noise.js';
import type { ProgramSet } from './programs/program-set.js';
import { type RunHooks, stepDone, submitPrograms } from './run-stage.js';
import type { SamplingSettings } from './settings.js';

/**
 * The autoregressive prior of DALL·E 2 (arXiv 2204.06125, section 2.2): draws the codes of an image embedding one after the other
 * and leaves the embeddings in the drawing programs' input. Everything random is drawn and uploaded at the start; from then on the
 * GPU is only told to go on.
 */
export class PriorArRun {
  readonly #runtime: Runtime;
  readonly #programs: ProgramSet;
  readonly #settings: SamplingSettings;

  constructor(runtime: Runtime, programs: ProgramSet, settings: SamplingSettings) {
    this.#runtime = runtime;
    this.#programs = programs;
    this.#settings = settings;
  }

  /** Submits the caption's keys and values. Needs the text programs' results of this batch. */
  async begin(): Promise<void> {
    const { prelude } = this.#programs.priorAr;
    const { position } = this.#states();
    position.write(new Uint32Array(position.shape[0]!));
    await submitPrograms(this.#runtime, prelude);
  }

  /**
   * All codes, after {@link begin}. A picture draws, from a generator of its own, a uniform number for its score, then one for each
   * bucket of each code.
   * @throws UnclipError CANCELLED within one step of the signal's abort; GPU_* when the device fails
   */
  async run(source: UniformSource, hooks: RunHooks = {}): Promise<void> {
    const { step, finish, config } = this.#programs.priorAr;
    const { position, tokens, noise, settings } = this.#states();
    const { batch, guided } = this.#programs.text.options;
    const { priorGuidanceScale, priorTemperature = 1, priorTopK = 0 } = this.#settings;
    const scores = [...source.drawUniform([1])].map((choice) => topHalfScoreToken(config, choice));
    const unknown = scores.map(() => unknownScoreToken(config));
    noise.write(gumbel(source.drawUniform([config.num_codes, config.num_buckets])));
    tokens.write(Uint32Array.from([...(guided ? unknown : []), ...scores]));
    position.write(new Uint32Array(position.shape[0]!).fill(priorArPrefixLength(config)));
    // Up to 1 is no guidance here as everywhere, also where the decoder's makes both halves run.
    const row = [Math.max(1, priorGuidanceScale), priorTemperature, priorTopK, 0];
    settings.write(Float32Array.from({ length: batch * SAMPLE_SETTINGS }, (_, i) => row[i % SAMPLE_SETTINGS]!));
    await step.prepare();
    const steps = config.num_codes;
    let recording = this.#runtime.record([step]);
    for (let k = 0; k < steps; k++) {
      recording.submit();
      if (k + 1 < steps) recording = this.#runtime.record([step], true);
      await this.#runtime.device.idle();
      await stepDone(hooks, { stage: 'prior', step: k + 1, steps });
    }
    await submitPrograms(this.#runtime, finish);
  }

  #states() {
    const { step } = this.#programs.priorAr;
    const [position, tokens] = [step.state('position'), step.state('tokens')];
    return { position, tokens, noise: step.state('noise'), settings: step.state('settings') };
  }
}
