import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { checkRequest } from '../../pipelines/request.js';
import { ERRORS } from '../http/openapi.js';
import type { ZodTypes } from '../http/schema.js';
import { answerForm, settingsFields, usageOf } from '../images/answer.js';
import {
  answerFields,
  captionsField,
  checkModel,
  compatibleFields,
  type FieldLimits,
  formatFields,
  givenSettings,
  previewField,
  promptField,
  requireCaptions,
  requirePrior,
  samplingFields,
  shownOf,
  sizeField,
} from '../images/fields.js';
import { imagesSchema } from '../images/schema.js';
import { drawTexts } from '../jobs/text-to-image.js';
import type { Service } from '../service.js';
import { answerDrawing } from './answer-drawing.js';
import { baseUrl } from './base-url.js';

/** `POST /v1/images/generations`: pictures from text. */
export function generationRoutes(instance: FastifyInstance, service: Service, limits: FieldLimits): void {
  const { unclip, captions, config, modelNames } = service;
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
      const { prompt, n, stream, ...rest } = request.body;
      checkModel(rest.model, modelNames);
      requirePrior(model, rest.prior ?? undefined);
      const form = answerForm(rest, baseUrl(request, config));
      const asked = { prompt, n: n ?? 1, ...givenSettings(rest) };
      const checked = checkRequest(asked, model.info.defaults);
      if (config.logPrompts) request.log.info({ prompt }, 'prompt');
      const shown = shownOf(rest);
      if (shown.captions > 0) requireCaptions(captions, checked.settings);
      return answerDrawing(
        service,
        {
          form,
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
