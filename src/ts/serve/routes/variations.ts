import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { checkRequest } from '../../pipelines/request.js';
import { formBody } from '../http/multipart.js';
import { ERRORS } from '../http/openapi.js';
import type { ZodTypes } from '../http/schema.js';
import { answerForm, decoderFields } from '../images/answer.js';
import { NOTHING_SHOWN } from '../images/drawing.js';
import {
  answerFields,
  checkModel,
  decoderSamplingFields,
  type FieldLimits,
  givenSettings,
  requireImageEncoder,
  sizeField,
} from '../images/fields.js';
import { imagesSchema } from '../images/schema.js';
import { pictureField, readSides } from '../images/upload.js';
import { drawVariations } from '../jobs/variations.js';
import type { Service } from '../service.js';
import { answerDrawing } from './answer-drawing.js';
import { baseUrl } from './base-url.js';

/** `POST /v1/images/variations`: pictures with the meaning of a picture. */
export function variationRoutes(instance: FastifyInstance, service: Service, limits: FieldLimits): void {
  const { unclip, scheduler, jobs, config, modelNames } = service;
  const app = instance.withTypeProvider<ZodTypes>();
  const shape = {
    image: pictureField,
    ...answerFields(limits),
    size: sizeField(limits),
    ...decoderSamplingFields(limits),
  };
  app.post(
    '/v1/images/variations',
    {
      schema: {
        tags: ['images'],
        summary: 'Draw variations of a picture',
        consumes: ['multipart/form-data'],
        body: z.strictObject(shape),
        response: { 200: imagesSchema, ...ERRORS },
      },
      preValidation: formBody(shape, config.bodyLimit),
    },
    async (request, reply) => {
      const { model } = unclip;
      const { image, n, ...rest } = request.body;
      checkModel(rest.model, modelNames);
      requireImageEncoder(model);
      await readSides(image, 'image', config.maxPixels);
      const checked = checkRequest({ prompt: '', n: n ?? 1, ...givenSettings(rest) }, model.info.defaults);
      const drawing = {
        form: answerForm(rest, baseUrl(request, config)),
        settings: decoderFields(checked.settings),
        sides: { width: limits.size, height: limits.size },
        usage: undefined,
        events: 'image_edit' as const,
        shown: NOTHING_SHOWN,
        start: (client: AbortSignal) => drawVariations(jobs, scheduler, unclip, request.id, image, checked, client),
      };
      return answerDrawing(service, drawing, false, request, reply);
    },
  );
}
