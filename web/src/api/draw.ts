import { ask } from './ask.js';
import { connectionLost, type ErrorBody, Failure } from './failure.js';
import type { Settings } from './model.js';
import { type DrawRequest, httpOf, type Watch } from './request.js';
import { readEvents } from './sse.js';

/** A caption beside the prior's prediction. */
export interface NearCaption {
  readonly text: string;
  /** Cosine of its embedding and the predicted one. */
  readonly similarity: number;
  /** Among all captions that the model knows. */
  readonly probability: number;
}

/** A step of the prior: the captions nearest to its prediction, best first. */
export interface PriorStep {
  readonly step: number;
  readonly steps: number;
  readonly captions: readonly NearCaption[];
}

export type Stage = 'decoder' | 'superRes';

/** What comes while a request is drawn. @property picture its index in the request */
export type DrawEvent =
  | ({ readonly type: 'prior'; readonly picture: number } & PriorStep)
  | {
      readonly type: 'preview';
      readonly picture: number;
      readonly stage: Stage;
      readonly step: number;
      readonly steps: number;
      readonly file: Blob;
    }
  | {
      readonly type: 'picture';
      readonly picture: number;
      readonly file: Blob;
      readonly seed: number;
      readonly settings: Settings;
    };

/**
 * Sends a request and tells what comes of it, until all pictures are there.
 * @throws Failure; the signal's reason when it is aborted
 */
export async function* draw(request: DrawRequest, watch: Watch, signal: AbortSignal): AsyncGenerator<DrawEvent> {
  const [path, init] = httpOf(request, watch);
  const response = await ask(path, { ...init, signal });
  try {
    if (request.kind === 'vary') yield* wholeAnswer(await response.json());
    else yield* streamedAnswer(response, request.n);
  } catch (error) {
    signal.throwIfAborted();
    throw error instanceof Failure ? error : connectionLost();
  }
}

interface Whole {
  readonly data: readonly { readonly b64_json: string; readonly seed: number }[];
  readonly settings: Settings;
}

function* wholeAnswer({ data, settings }: Whole): Generator<DrawEvent> {
  for (const [picture, { b64_json, seed }] of data.entries())
    yield { type: 'picture', picture, file: fileOf(b64_json), seed, settings };
}

/** The fields of the server's events that are read here. */
interface ServerEvent extends ErrorBody {
  readonly image_index: number;
  readonly b64_json: string;
  readonly stage: Stage;
  readonly step: number;
  readonly steps: number;
  readonly captions: readonly NearCaption[];
  readonly seed: number;
  readonly settings: Settings;
}

async function* streamedAnswer({ body }: Response, pictures: number): AsyncGenerator<DrawEvent> {
  let left = pictures;
  for await (const { event, data } of readEvents(body!)) {
    const told = JSON.parse(data) as ServerEvent;
    const { image_index: picture, stage, step, steps } = told;
    if (event === 'error') throw new Failure('refused', told.error?.message ?? 'The server could not go on.');
    if (event.endsWith('.prior_step')) yield { type: 'prior', picture, step, steps, captions: told.captions };
    else if (event.endsWith('.partial_image'))
      yield { type: 'preview', picture, stage, step, steps, file: fileOf(told.b64_json) };
    else if (event.endsWith('.completed')) {
      left--;
      yield { type: 'picture', picture, file: fileOf(told.b64_json), seed: told.seed, settings: told.settings };
    }
  }
  if (left > 0) throw connectionLost();
}

/** A picture as the server gave it. */
function fileOf(base64: string): Blob {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  return new Blob([bytes], { type: 'image/png' });
}
