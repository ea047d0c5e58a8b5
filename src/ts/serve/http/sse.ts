/** Pause after which a stream says that it lives, so that nothing between here and the client takes it for dead. */
const KEEP_ALIVE_MS = 15_000;

/** A server-sent event, named by its own type. */
export interface ServerEvent {
  readonly type: string;
  readonly [field: string]: unknown;
}

const KEEP_ALIVE = ': keep-alive\n\n';

/** An event as text/event-stream has it. JSON holds no line ends. */
const encodeEvent = (event: ServerEvent): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

/** Events on their way from what makes them to a stream that sends them, with signs of life between. */
export class EventChannel {
  readonly #waiting: { readonly text: string; readonly key: string | undefined }[] = [];
  #wake: () => void = () => {};
  #ended = false;

  /**
   * @param key of events that a slow client may miss; without one it gets all
   * @param kept how many of the same key wait for it: the oldest that it has not taken yet is left out in favour of one more
   */
  send(event: ServerEvent, key?: string, kept = 1): void {
    const same = key === undefined ? [] : this.#waiting.filter((other) => other.key === key);
    if (same.length >= kept) this.#waiting.splice(this.#waiting.indexOf(same[0]!), 1);
    this.#waiting.push({ text: encodeEvent(event), key });
    this.#wake();
  }

  /** No more events come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** The stream's text, until {@link end}. */
  async *text(): AsyncGenerator<string> {
    for (;;) {
      const next = this.#waiting.shift();
      if (next !== undefined) yield next.text;
      else if (this.#ended) return;
      else if (!(await this.#wait())) yield KEEP_ALIVE;
    }
  }

  /** @returns whether something came before it was time for a sign of life */
  #wait(): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), KEEP_ALIVE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
  }
}
