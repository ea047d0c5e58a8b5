import type { Command } from 'commander';
import { SAMPLERS, type SamplerName } from '../diffusion/samplers/registry.js';
import { SPACINGS, type Spacing } from '../diffusion/spacing.js';
import { PRIORS, type PriorKind, type SamplingSettings } from '../pipelines/settings.js';
import { UsageError } from './failure.js';
import { decimalNumber, oneOf, wholeNumber } from './options.js';

/** Options of every command that draws: how many pictures, from which seed, in how many steps, with how much guidance, by which sampler. */
export interface SamplingCliOptions {
  readonly n: number;
  readonly seed?: number;
  readonly prior?: PriorKind;
  readonly priorSteps?: number;
  readonly decoderSteps?: number;
  readonly srSteps?: number;
  readonly priorGuidance?: number;
  readonly priorTemperature?: number;
  readonly priorTopK?: number;
  readonly decoderGuidance?: number;
  readonly sampler?: SamplerName;
  readonly spacing?: Spacing;
  readonly eta?: number;
}

const MAX_SEED = Number.MAX_SAFE_INTEGER;

/** Random seeds are short, so that people can type them again. */
const RANDOM_SEEDS = 2 ** 31;

/** @param count help of `-n` @param prior whether the command uses the prior */
export function withSamplingOptions(command: Command, count: string, prior = true): Command {
  command.option('-n, --n <count>', count, wholeNumber('-n', 1, 10_000), 1);
  return withStageOptions(command, 'seed of the first picture; the next ones count up from it', prior);
}

/** Seed, steps and guidance alone, for commands that count their pictures otherwise. @param seed help of `--seed` */
export function withStageOptions(command: Command, seed: string, prior: boolean): Command {
  const steps = (name: string) => wholeNumber(name, 2, 1000);
  const guidance = (name: string) => decimalNumber(name, 0, 100);
  command.option('--seed <seed>', seed, wholeNumber('--seed', 0, MAX_SEED));
  if (prior) withPriorOptions(command);
  return command
    .option('--decoder-steps <n>', 'steps of the decoder', steps('--decoder-steps'))
    .option('--sr-steps <n>', 'steps of the upsampler', steps('--sr-steps'))
    .option('--decoder-guidance <scale>', 'guidance of the decoder; up to 1: none', guidance('--decoder-guidance'))
    .option(
      '--sampler <name>',
      `sampler of prior and decoder: ${SAMPLERS.join(', ')} (default: unclip)`,
      oneOf('--sampler', SAMPLERS),
    )
    .option(
      '--spacing <name>',
      `how the sampler's steps are spread: ${SPACINGS.join(', ')} (default: what suits it)`,
      oneOf('--spacing', SPACINGS),
    )
    .option('--eta <n>', 'noise of ddim, 0 (none, the default) to 1 (as much as unclip)', decimalNumber('--eta', 0, 1));
}

function withPriorOptions(command: Command): void {
  command
    .option('--prior <kind>', `prior: ${PRIORS.join(' or ')} (autoregressive)`, oneOf('--prior', PRIORS))
    .option('--prior-steps <n>', 'steps of the diffusion prior', wholeNumber('--prior-steps', 2, 1000))
    .option(
      '--prior-guidance <scale>',
      'guidance of the prior; up to 1: none',
      decimalNumber('--prior-guidance', 0, 100),
    )
    .option(
      '--prior-temperature <t>',
      'of the autoregressive prior: below 1 likely codes become likelier',
      decimalNumber('--prior-temperature', 0, 100),
    )
    .option(
      '--prior-top-k <k>',
      'of the autoregressive prior: draw among the k likeliest codes; 0: all',
      wholeNumber('--prior-top-k', 0, 65_536),
    );
}

/** What the options say for a request; the seed is random where none is given. */
export interface RequestSettings extends Partial<SamplingSettings> {
  readonly n: number;
  readonly seed: number;
}

/**
 * @param earlier settings of a picture that is drawn again: they hold where no option says otherwise
 * @throws UsageError where the last picture's seed would be too large
 */
export function requestSettings(
  o: SamplingCliOptions,
  earlier: Partial<SamplingSettings> & { readonly seed?: number } = {},
): RequestSettings {
  const seed = o.seed ?? earlier.seed ?? Math.floor(Math.random() * RANDOM_SEEDS);
  if (seed > MAX_SEED - o.n + 1)
    throw new UsageError(`the seed of the last of ${o.n} pictures would be over 2^53 - 1; give a smaller --seed`);
  // Another sampler need not know the spacing and eta of the earlier one.
  const sampling = o.sampler === undefined ? earlier : {};
  const prior = o.prior ?? earlier.prior;
  if (prior === 'ar' && o.priorSteps !== undefined)
    throw new UsageError('--prior-steps is for the diffusion prior: the autoregressive one takes a step for each code');
  // The settings of one prior say nothing to the other.
  const same = (prior === 'ar') === (earlier.prior === 'ar') ? earlier : {};
  return {
    n: o.n,
    seed,
    prior,
    priorSteps: o.priorSteps ?? same.priorSteps,
    decoderSteps: o.decoderSteps ?? earlier.decoderSteps,
    superResSteps: o.srSteps ?? earlier.superResSteps,
    priorGuidanceScale: o.priorGuidance ?? same.priorGuidanceScale,
    priorTemperature: o.priorTemperature ?? same.priorTemperature,
    priorTopK: o.priorTopK ?? same.priorTopK,
    decoderGuidanceScale: o.decoderGuidance ?? earlier.decoderGuidanceScale,
    sampler: o.sampler ?? sampling.sampler,
    spacing: o.spacing ?? sampling.spacing,
    eta: o.eta ?? sampling.eta,
  };
}
