/** An event of a text/event-stream. */
export interface StreamEvent {
  /** 'message' where the stream names none. */
  readonly event: string;
  readonly data: string;
}

/**
 * Reads text/event-stream as it comes, in pieces of any length (HTML standard, "Server-sent events", 9.2.6). EventSource
 * does the same for GET alone.
 */
export class EventParser {
  #line = '';
  #event = '';
  #data: string[] = [];
  /** A line feed that follows belongs to the carriage return that has ended the line. */
  #afterReturn = false;
  #first = true;

  /** @returns the events that `text` completes */
  push(text: string): StreamEvent[] {
    const events: StreamEvent[] = [];
    let from = 0;
    if (this.#first && text !== '') {
      if (text.startsWith('\uFEFF')) from = 1;
      this.#first = false;
    }
    if (this.#afterReturn && text[from] === '\n') from++;
    if (text !== '') this.#afterReturn = false;
    const ends = /\r\n|\r|\n/g;
    ends.lastIndex = from;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      this.#endLine(this.#line + text.slice(from, end.index), events);
      this.#line = '';
      from = ends.lastIndex;
      this.#afterReturn = end[0] === '\r' && from === text.length;
    }
    this.#line += text.slice(from);
    return events;
  }

  #endLine(line: string, events: StreamEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0) events.push({ event: this.#event || 'message', data: this.#data.join('\n') });
      this.#event = '';
      this.#data = [];
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') this.#event = value;
    else if (field === 'data') this.#data.push(value);
  }
}

/** The events of a response's body, to its end. An event that the end cuts off is dropped. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const parser = new EventParser();
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield* parser.push(decoder.decode(value, { stream: true }));
    }
  } finally {
    // Whoever stops to read wants no more of it.
    await reader.cancel().catch(() => {});
  }
}
