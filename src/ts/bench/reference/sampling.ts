import { addon } from '../../native/addon.js';
import type { Reference } from './sample.js';

/** The codes that are drawn, one an image: the others of the result are not touched. */
export const sampleCategorical: Reference = ({ call, values }) => {
  const [logits, noise, settings, position] = [values(0), values(1), values(2), values(3)];
  const [batch, steps, categories] = call.inputs[1]!.shape as [number, number, number];
  const guided = call.inputs[0]!.shape[0] !== batch;
  const half = batch * categories;
  const own = Float64Array.from({ length: half }, (_, i) => {
    const [image, v] = [Math.floor(i / categories), i % categories];
    return noise[(image * steps + position[image]! - (call.attrs.first as number)) * categories + v]!;
  });
  const expected = addon().sampleCategorical(
    Float64Array.from(logits.subarray(guided ? half : 0)),
    guided ? Float64Array.from(logits.subarray(0, half)) : null,
    own,
    Float64Array.from(settings),
    { batch, categories },
  );
  const indices = Array.from(expected, (_, image) => image * steps + position[image]! - (call.attrs.first as number));
  return { indices, expected };
};
