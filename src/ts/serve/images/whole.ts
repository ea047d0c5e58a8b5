import type { Service } from '../service.js';
import { answerPicture, commonFields, unixTime } from './answer.js';
import type { Drawing } from './drawing.js';
import type { ImagesAnswer } from './schema.js';

/** Draws a request's pictures and answers them all at once. */
export async function answerWhole(service: Service, drawing: Drawing, client: AbortSignal): Promise<ImagesAnswer> {
  const { form, settings, usage } = drawing;
  const images = await Promise.all(drawing.start(client));
  return {
    created: unixTime(),
    data: await Promise.all(images.map((image) => answerPicture(image, form, service))),
    ...commonFields(drawing.sides, form),
    quality: form.requestedQuality,
    safety_identifier: form.safetyIdentifier,
    settings,
    usage,
  };
}
