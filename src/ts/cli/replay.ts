import { existsSync } from 'node:fs';
import { SAMPLERS, type SamplerName } from '../diffusion/samplers/registry.js';
import { SPACINGS, type Spacing } from '../diffusion/spacing.js';
import { WEIGHT_FORMATS, type WeightFormat } from '../graph/quantize.js';
import { type PictureParameters, readPictureParameters } from '../image/parameters.js';
import { PRIORS, type PriorKind } from '../pipelines/settings.js';
import { UnclipError } from '../util/errors.js';
import { UsageError } from './failure.js';
import { BUNDLED, modelFolder } from './models.js';
import { onOneLine } from './ui/format.js';

/** What `--from` takes from a picture. Everything may be absent: files come from anywhere. */
export interface Replay {
  readonly model: string;
  readonly modelHash?: string;
  readonly adapter?: string;
  readonly prompt?: string;
  readonly seed: number;
  readonly priorSteps?: number;
  readonly decoderSteps?: number;
  readonly superResSteps?: number;
  readonly prior?: PriorKind;
  readonly priorGuidanceScale?: number;
  readonly priorTemperature?: number;
  readonly priorTopK?: number;
  readonly decoderGuidanceScale?: number;
  readonly sampler?: SamplerName;
  readonly spacing?: Spacing;
  readonly eta?: number;
  readonly dtype?: 'f32' | 'f16';
  readonly weights?: WeightFormat;
}

/**
 * What made a picture, from the picture itself.
 * @throws UnclipError INPUT_PICTURE_INVALID when it cannot be read, or says nothing of how it was made
 */
export async function readReplay(path: string): Promise<Replay> {
  const p = await readPictureParameters(path);
  if (p === undefined)
    throw new UnclipError('INPUT_PICTURE_INVALID', `picture ${path} says nothing of how unclip made it; give a prompt`);
  if (p.operation !== undefined) throw new UsageError(otherwise(path, p));
  const { steps = {}, guidance = {}, sampler, spacing, eta, dtype, weights, adapter } = p;
  const prior = PRIORS.find((kind) => kind === p.prior);
  return {
    model: replayModel(p),
    modelHash: p.modelHash,
    adapter: typeof adapter === 'string' ? adapter : undefined,
    prompt: p.prompt,
    seed: p.seed,
    // Of the autoregressive prior it only says how many codes there are.
    priorSteps: prior === 'ar' ? undefined : steps.prior,
    decoderSteps: steps.decoder,
    superResSteps: steps.superRes,
    prior,
    priorGuidanceScale: guidance.prior,
    priorTemperature: numberOf(p.priorTemperature),
    priorTopK: numberOf(p.priorTopK),
    decoderGuidanceScale: guidance.decoder,
    sampler: SAMPLERS.find((name) => name === sampler),
    spacing: SPACINGS.find((name) => name === spacing),
    eta,
    dtype: dtype === 'f32' || dtype === 'f16' ? dtype : undefined,
    weights: WEIGHT_FORMATS.find((format) => format === weights),
  };
}

/** What to do with a picture that was not drawn from text alone. */
function otherwise(path: string, { operation, command }: PictureParameters): string {
  const made = `picture ${path} was made by unclip ${onOneLine(String(operation), 40)}, which generate cannot repeat`;
  if (typeof command !== 'string') return `${made}; run that command again`;
  return `${made}; where its pictures are, this does: ${onOneLine(command, 1000)}`;
}

const numberOf = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);

/** The model that a picture names where that is here; else the bundled one, whose hash then tells whether it is the same. */
const replayModel = ({ model }: PictureParameters): string => (existsSync(modelFolder(model)) ? model : BUNDLED);
