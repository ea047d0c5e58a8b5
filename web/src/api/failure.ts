/** What kind of failure it is, by what a person can do about it. */
export type FailureKind =
  /** The request is wrong, or the server failed at it. */
  | 'refused'
  /** It may work later. */
  | 'busy'
  /** An API key is missing or wrong. */
  | 'key'
  /** The server was not reached, or went away. */
  | 'lost';

/** Why there is no picture. */
export class Failure extends Error {
  readonly kind: FailureKind;
  /** Seconds after which it may work. */
  readonly retryAfter: number | undefined;

  constructor(kind: FailureKind, message: string, retryAfter?: number) {
    super(message);
    this.kind = kind;
    this.retryAfter = retryAfter;
  }
}

/** The standard's error object. */
export interface ErrorBody {
  readonly error?: { readonly message?: string };
}

/** Seconds to wait where a busy server does not say it. */
const DEFAULT_WAIT = 5;

/** The failure that an answer tells. */
export async function failureOf(response: Response): Promise<Failure> {
  const body = (await response.json().catch(() => ({}))) as ErrorBody;
  const message = body.error?.message ?? `The server answered ${response.status} ${response.statusText}.`;
  const { status } = response;
  if (status === 401) return new Failure('key', message);
  if (status !== 429 && status !== 503) return new Failure('refused', message);
  const seconds = Number(response.headers.get('retry-after') ?? DEFAULT_WAIT);
  return new Failure('busy', message, Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_WAIT);
}

export const connectionLost = (): Failure =>
  new Failure('lost', 'The connection to the server was lost. What you asked for is kept.');
