import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { editDefaults } from '../../pipelines/edit/edit.js';
import { formBody } from '../http/multipart.js';
import { ERRORS } from '../http/openapi.js';
import type { ZodTypes } from '../http/schema.js';
import { answerForm, settingsFields, usageOf } from '../images/answer.js';
import {
  answerFields,
  type FieldLimits,
  formatFields,
  previewField,
  promptField,
  samplingFields,
  shownOf,
} from '../images/fields.js';
import { imagesSchema } from '../images/schema.js';
import { checkSize, pictureField, readSides } from '../images/upload.js';
import type { Service } from '../service.js';
import { answerDrawing } from './answer-drawing.js';
import { baseUrl } from './base-url.js';
import { checkText } from './check-text.js';

/** `POST /v1/images/edits`: a part of a picture drawn anew. */
export function editRoutes(instance: FastifyInstance, service: Service, limits: FieldLimits): void {
  const { unclip, edits, config } = service;
  const app = instance.withTypeProvider<ZodTypes>();
  const shape = {
    image: pictureField,
    mask: pictureField
      .nullish()
      .describe('Of the same size: what is transparent in it is drawn anew. Default: the image.'),
    prompt: promptField,
    ...answerFields(limits),
    size: z.string().max(20).nullish().describe("The picture's own."),
    ...formatFields,
    input_fidelity: z.enum(['low', 'high']).nullish().describe('What is not masked stays as it is, to the bit.'),
    ...samplingFields(limits),
    ...previewField,
  };
  app.post(
    '/v1/images/edits',
    {
      schema: {
        tags: ['images'],
        summary: 'Draw a part of a picture anew',
        consumes: ['multipart/form-data'],
        body: z.strictObject(shape),
        response: { 200: imagesSchema, ...ERRORS },
      },
      preValidation: formBody(shape, config.bodyLimit),
    },
    async (request, reply) => {
      const { model } = unclip;
      const { image, mask, prompt, stream, size, ...rest } = request.body;
      const checked = checkText(service, request, editDefaults(model.info.defaults));
      const sides = await readSides(image, 'image', config.maxPixels);
      if (mask != null) await readSides(mask, 'mask', config.maxPixels);
      checkSize(size, sides);
      const files = { picture: image, mask: mask ?? undefined };
      return answerDrawing(
        service,
        {
          form: answerForm(rest, baseUrl(request, config)),
          settings: settingsFields(checked.settings),
          sides,
          usage: usageOf(model, prompt),
          events: 'image_edit',
          shown: shownOf(rest),
          start: (client, watched) => edits.draw(request.id, files, checked, client, watched),
        },
        stream ?? false,
        request,
        reply,
      );
    },
  );
}
