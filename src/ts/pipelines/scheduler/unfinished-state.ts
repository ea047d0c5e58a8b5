import { samplePicture } from '../progress.js';
import type { Desk } from './desk.js';
import type { Active } from './job.js';

/**
 * What the latest step of a picture predicts, where its requester wants to be told of it: the image embedding in the prior, the
 * picture later on.
 * @returns what tells them; undefined when there is nothing to tell
 */
export async function unfinishedState({ job, picture }: Active, desk: Desk): Promise<(() => void) | undefined> {
  const { settings, options, index } = job;
  const { onEmbedding, onPartial, partialImages = 0 } = options;
  const { lane, stage, step, plan } = picture;
  if (lane === undefined) return undefined;
  if (stage === 'prior') {
    if (onEmbedding === undefined) return undefined;
    const embedding = await desk.embeddingOf(await lane.prediction(picture));
    return () => onEmbedding(embedding, step, plan.steps.length, index);
  }
  const before = stage === 'superRes' ? settings.decoderSteps : 0;
  const number = partialAt(before + step, settings.decoderSteps + settings.superResSteps, partialImages);
  if (onPartial === undefined || number === undefined) return undefined;
  const partial = samplePicture(await lane.prediction(picture), plan.sampleShape[2]!);
  return () => onPartial(partial, number, index);
}

/** The number of the partial picture that is shown after step `done` of `steps`, where `count` are, evenly between start and end. */
export function partialAt(done: number, steps: number, count: number): number | undefined {
  for (let k = 0; k < count; k++) if (Math.round(((k + 1) * steps) / (count + 1)) === done) return k;
  return undefined;
}
