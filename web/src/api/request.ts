import type { Settings } from './model.js';

interface Common {
  readonly n: number;
  readonly seed: number | undefined;
  /** Only what differs from the model's defaults. */
  readonly settings: Settings;
}

/** A picture from text. */
export interface GenerateRequest extends Common {
  readonly kind: 'generate';
  readonly prompt: string;
}

/** A part of a picture drawn anew. */
export interface EditRequest extends Common {
  readonly kind: 'edit';
  readonly prompt: string;
  readonly picture: Blob;
  /** PNG of the picture's size: what is transparent in it is drawn anew. */
  readonly mask: Blob;
}

/** Pictures with the meaning of a picture. */
export interface VaryRequest extends Common {
  readonly kind: 'vary';
  readonly picture: Blob;
}

export type DrawRequest = GenerateRequest | EditRequest | VaryRequest;

/** What a request shows on its way, beside the finished pictures. */
export interface Watch {
  /** Unfinished pictures of each picture. */
  readonly previews: number;
  /** Captions near to each prediction of the prior; 0: none. */
  readonly captions: number;
}

/** Settings of what draws from an image embedding; the others are the prior's. */
const DECODER = ['num_inference_steps', 'guidance_scale', 'super_res_num_inference_steps', 'sampler', 'spacing', 'eta'];

/** Of these, what the route of variations takes. */
export const decoderSettings = (settings: Settings): Settings =>
  Object.fromEntries(Object.entries(settings).filter(([name]) => DECODER.includes(name)));

/** The fields of a request, without its files. */
export function fieldsOf(request: DrawRequest): Record<string, string | number> {
  const { n, seed, settings } = request;
  return {
    ...(request.kind === 'vary' ? {} : { prompt: request.prompt }),
    n,
    ...(seed === undefined ? {} : { seed }),
    ...(request.kind === 'vary' ? decoderSettings(settings) : settings),
  };
}

/** Address, body and headers of a request. */
export function httpOf(request: DrawRequest, { previews, captions }: Watch): [path: string, init: RequestInit] {
  const fields = fieldsOf(request);
  if (request.kind === 'generate') {
    const body = { ...fields, stream: true, previews, ...(captions > 0 ? { nearest_captions: captions } : {}) };
    const headers = { 'content-type': 'application/json' };
    return ['v1/images/generations', { method: 'POST', headers, body: JSON.stringify(body) }];
  }
  const form = new FormData();
  form.set('image', request.picture, 'image');
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value));
  if (request.kind === 'vary') return ['v1/images/variations', { method: 'POST', body: form }];
  form.set('mask', request.mask, 'mask.png');
  form.set('stream', 'true');
  form.set('previews', String(previews));
  return ['v1/images/edits', { method: 'POST', body: form }];
}
