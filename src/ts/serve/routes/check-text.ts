import type { FastifyBaseLogger } from 'fastify';
import { type CheckedRequest, checkRequest } from '../../pipelines/request.js';
import type { SamplingSettings } from '../../pipelines/settings.js';
import { checkModel, givenSettings, requirePrior, type SamplingBody } from '../images/fields.js';
import type { Service } from '../service.js';

/** What every request for pictures from text has. */
interface TextBody extends SamplingBody {
  readonly prompt: string;
  readonly model?: string | null;
  readonly n?: number | null;
}

/**
 * Checks what a request for pictures from text asks for, and writes its prompt into the log where that is wanted.
 * @param defaults for what it does not give
 * @throws ApiError 404 (another model), 400 (no such prior); UnclipError INPUT_*
 */
export function checkText(
  { unclip, config, modelNames }: Service,
  { body, log }: { readonly body: TextBody; readonly log: FastifyBaseLogger },
  defaults: SamplingSettings,
): CheckedRequest {
  const { prompt, model, n } = body;
  checkModel(model, modelNames);
  requirePrior(unclip.model, body.prior ?? undefined);
  const checked = checkRequest({ prompt, n: n ?? 1, ...givenSettings(body) }, defaults);
  if (config.logPrompts) log.info({ prompt }, 'prompt');
  return checked;
}
