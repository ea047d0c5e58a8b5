import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ERRORS } from '../http/openapi.js';
import type { ZodTypes } from '../http/schema.js';
import { answerForm, settingsFields, usageOf } from '../images/answer.js';
import {
  answerFields,
  captionsField,
  compatibleFields,
  type FieldLimits,
  formatFields,
  previewField,
  promptField,
  requireCaptions,
  samplingFields,
  shownOf,
  sizeField,
} from '../images/fields.js';
import { imagesSchema } from '../images/schema.js';
import { drawTexts } from '../jobs/text-to-image.js';
import type { Service } from '../service.js';
import { answerDrawing } from './answer-drawing.js';
import { baseUrl } from './base-url.js';
import { checkText } from './check-text.js';

/** `POST /v1/images/generations`: pictures from text. */
export function generationRoutes(instance: FastifyInstance, service: Service, limits: FieldLimits): void {
  const { unclip, captions, config } = service;
  const app = instance.withTypeProvider<ZodTypes>();
  const body = z.strictObject({
    prompt: promptField,
    ...answerFields(limits),
    size: sizeField(limits),
    ...formatFields,
    ...compatibleFields,
    ...samplingFields(limits),
    ...previewField,
    ...captionsField,
  });
  app.post(
    '/v1/images/generations',
    {
      schema: {
        tags: ['images'],
        summary: 'Draw pictures from text',
        body,
        response: { 200: imagesSchema, ...ERRORS },
      },
    },
    async (request, reply) => {
      const { model } = unclip;
      const { prompt, stream, ...rest } = request.body;
      const checked = checkText(service, request, model.info.defaults);
      const shown = shownOf(rest);
      if (shown.captions > 0) requireCaptions(captions, checked.settings);
      return answerDrawing(
        service,
        {
          form: answerForm(rest, baseUrl(request, config)),
          settings: settingsFields(checked.settings),
          sides: { width: limits.size, height: limits.size },
          usage: usageOf(model, prompt),
          events: 'image_generation',
          shown,
          start: (client, watched) => drawTexts(service, request.id, checked, client, watched),
        },
        stream ?? false,
        request,
        reply,
      );
    },
  );
}
