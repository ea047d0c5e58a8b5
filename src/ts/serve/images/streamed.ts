import { Readable } from 'node:stream';
import { encodePicture } from '../../image/encode.js';
import type { Picture } from '../../image/picture.js';
import { resizeBicubic } from '../../image/resample.js';
import type { GeneratedImage } from '../../pipelines/generated-image.js';
import { inSlices } from '../../util/sliced.js';
import { type ApiError, apiError } from '../http/api-error.js';
import { EventChannel } from '../http/sse.js';
import type { Service } from '../service.js';
import { answerPicture, commonFields, unixTime } from './answer.js';
import type { At, Drawing, Watcher } from './drawing.js';
import { PictureOrder } from './picture-order.js';

/** Steps of each picture's prior that wait for a slow client: more than priors usually take. */
const PRIOR_STEPS_KEPT = 100;

/**
 * Draws a request's pictures and answers each as it is finished, and unfinished ones on the way, as server-sent events.
 * @param onFailure told why a stream that had begun was ended by an error event
 * @returns the stream's text; errors before it begins are thrown
 */
export function answerStream(
  service: Service,
  drawing: Drawing,
  client: AbortSignal,
  onFailure: (error: ApiError) => void,
): Readable {
  const { form, events, shown, settings, sides } = drawing;
  const channel = new EventChannel();
  const common = () => ({
    created_at: unixTime(),
    ...commonFields(sides, form),
    quality: form.requestedQuality ?? 'auto',
  });
  const order = new PictureOrder();
  // Pictures do not wait for captions that are still being embedded.
  const thoughts = new PictureOrder();
  const sendPartial = async (partial: Picture, number: number, picture: number, at: At): Promise<void> => {
    const whole = await inSlices(resizeBicubic(partial, sides.width, sides.height));
    const bytes = await encodePicture(whole, { format: form.format, quality: form.quality });
    const event = {
      type: `${events}.partial_image`,
      ...common(),
      b64_json: bytes.toString('base64'),
      partial_image_index: number,
      image_index: picture,
      ...(shown.previews ? at : {}),
    };
    channel.send(event, shown.previews ? `preview of ${picture}` : undefined);
  };
  const sendPicture = async (image: GeneratedImage, picture: number): Promise<void> => {
    channel.send({
      type: `${events}.completed`,
      ...common(),
      ...(await answerPicture(image, form, service)),
      image_index: picture,
      safety_identifier: form.safetyIdentifier,
      settings,
      usage: drawing.usage,
    });
  };
  const watcher: Watcher = {
    onPartial: (partial, number, picture, at) =>
      order.unfinished(picture, shown.previews, () => sendPartial(partial, number, picture, at)),
    onEmbedding: (embedding, step, steps, picture) =>
      thoughts.unfinished(picture, false, async () => {
        const nearest = (await service.captions.bank()).nearest(embedding, shown.captions);
        const at = { image_index: picture, step, steps };
        const event = { type: `${events}.prior_step`, created_at: unixTime(), ...at, captions: nearest };
        channel.send(event, `prior of ${picture}`, PRIOR_STEPS_KEPT);
      }),
  };
  const pictures = drawing.start(client, { shown, watcher });
  const sent = pictures.map(async (picture, k) => {
    const image = await picture;
    await thoughts.finished(k, async () => {});
    await order.finished(k, () => sendPicture(image, k));
  });
  Promise.all(sent)
    .catch((error: unknown) => {
      const told = apiError(error);
      onFailure(told);
      channel.send({ type: 'error', ...told.body });
    })
    .finally(() => channel.end());
  return Readable.from(channel.text());
}
