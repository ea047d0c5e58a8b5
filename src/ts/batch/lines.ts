/** A line of a text stream, or the place where one was too long to be kept. */
export interface Line {
  /** From 1. */
  readonly number: number;
  /** Undefined for a line over the limit. */
  readonly text: string | undefined;
}

/** Longest line that is read, bytes: more than any request that could be drawn. */
const MAX_LINE_BYTES = 16 * 2 ** 20;

const NEWLINE = 0x0a;

/**
 * The lines of a stream as they come; at most one is held in memory, and none that is over the limit. Empty lines are counted but
 * not given. A byte order mark and carriage returns at line ends are dropped.
 */
export async function* readLines(chunks: AsyncIterable<Buffer>, maxBytes = MAX_LINE_BYTES): AsyncGenerator<Line> {
  let parts: Buffer[] = [];
  let length = 0;
  let number = 0;
  const line = (): Line | undefined => {
    number++;
    const long = length > maxBytes;
    const text = long
      ? undefined
      : Buffer.concat(parts)
          .toString('utf8')
          .replace(/^\ufeff/, '')
          .trim();
    parts = [];
    length = 0;
    return text === '' ? undefined : { number, text };
  };
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      keep(chunk.subarray(from, end));
      from = end + 1;
      const complete = line();
      if (complete !== undefined) yield complete;
    }
    keep(chunk.subarray(from));
  }
  const last = length > 0 ? line() : undefined;
  if (last !== undefined) yield last;

  function keep(part: Buffer): void {
    length += part.length;
    if (length <= maxBytes) parts.push(part);
    else parts = [];
  }
}
