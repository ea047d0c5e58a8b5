import { Readable } from 'node:stream';
import { encodePicture } from '../../image/encode.js';
import type { Picture } from '../../image/picture.js';
import { resizeBicubic } from '../../image/resample.js';
import type { GeneratedImage } from '../../pipelines/generated-image.js';
import { type ApiError, apiError } from '../http/api-error.js';
import { EventChannel } from '../http/sse.js';
import type { Service } from '../service.js';
import { answerPicture, commonFields, unixTime } from './answer.js';
import type { Drawing } from './drawing.js';

/**
 * Draws a request's pictures and answers each as it is finished, and unfinished ones on the way, as server-sent events.
 * @param onFailure told why a stream that had begun was ended by an error event
 * @returns the stream's text; errors before it begins are thrown
 */
export function answerStream(
  { files }: Service,
  drawing: Drawing,
  client: AbortSignal,
  onFailure: (error: ApiError) => void,
): Readable {
  const { form, events, partialImages, settings, sides } = drawing;
  const channel = new EventChannel();
  const common = () => ({
    created_at: unixTime(),
    ...commonFields(sides, form),
    quality: form.requestedQuality ?? 'auto',
  });
  // Encoding takes its time, so the events of a picture are put in their order here.
  const order = new Map<number, Promise<void>>();
  const inOrder = (picture: number, send: () => Promise<void>): Promise<void> => {
    const next = (order.get(picture) ?? Promise.resolve()).then(send);
    order.set(picture, next);
    return next;
  };
  const sendPartial = async (partial: Picture, number: number, picture: number): Promise<void> => {
    const whole = resizeBicubic(partial, sides.width, sides.height);
    const bytes = await encodePicture(whole, { format: form.format, quality: form.quality });
    channel.send({
      type: `${events}.partial_image`,
      ...common(),
      b64_json: bytes.toString('base64'),
      partial_image_index: number,
      image_index: picture,
    });
  };
  const sendPicture = async (image: GeneratedImage, picture: number): Promise<void> => {
    channel.send({
      type: `${events}.completed`,
      ...common(),
      ...(await answerPicture(image, form, files)),
      image_index: picture,
      safety_identifier: form.safetyIdentifier,
      settings,
      usage: drawing.usage,
    });
  };
  const pictures = drawing.start(
    client,
    partialImages === 0
      ? undefined
      : (partial, number, picture) =>
          void inOrder(picture, () => sendPartial(partial, number, picture)).catch(() => {}),
  );
  const sent = pictures.map(async (picture, k) => {
    const image = await picture;
    await inOrder(k, () => sendPicture(image, k));
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
