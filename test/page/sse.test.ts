import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventParser, readEvents } from '../../web/src/api/sse.js';

const parse = (...chunks: string[]) => {
  const parser = new EventParser();
  return chunks.flatMap((chunk) => parser.push(chunk));
};

describe('the parser of text/event-stream', () => {
  it('reads names and data, and the default name', () => {
    expect(parse('event: a\ndata: 1\n\ndata:2\n\n')).toEqual([
      { event: 'a', data: '1' },
      { event: 'message', data: '2' },
    ]);
  });

  it('joins lines of data, and takes one space off', () => {
    expect(parse('data: a\ndata:  b\ndata\ndata:\n\n')).toEqual([{ event: 'message', data: 'a\n b\n\n' }]);
  });

  it('passes comments, other fields and events without data over', () => {
    expect(parse(': keep-alive\n\nid: 7\nretry: 5\nevent: x\n\ndata: 1\n\n')).toEqual([
      { event: 'message', data: '1' },
    ]);
  });

  it('takes LF, CRLF and CR for line ends, and a byte order mark at the beginning alone', () => {
    expect(parse('\uFEFFdata: 1\r\n\r\ndata: 2\r\rdata: 3\n\ndata: \uFEFF\n\n').map(({ data }) => data)).toEqual([
      '1',
      '2',
      '3',
      '\uFEFF',
    ]);
  });

  it('drops what the end cuts off', () => {
    expect(parse('data: 1\n\ndata: 2\n')).toEqual([{ event: 'message', data: '1' }]);
  });

  it('reads the same however the text is cut', () => {
    const line = fc.constantFrom('data: a', 'data:b', 'event: e', ': c', '', 'data', 'x: y');
    const end = fc.constantFrom('\n', '\r\n', '\r');
    const text = fc.array(fc.tuple(line, end)).map((lines) => lines.map((parts) => parts.join('')).join(''));
    fc.assert(
      fc.property(text, fc.array(fc.nat(60)), (whole, cuts) => {
        const at = [0, ...cuts.map((cut) => Math.min(cut, whole.length)).sort((a, b) => a - b), whole.length];
        const chunks = at.slice(1).map((to, k) => whole.slice(at[k], to));
        expect(parse(...chunks)).toEqual(parse(whole));
      }),
    );
  });

  it('reads bytes that are cut within a character', async () => {
    const bytes = new TextEncoder().encode('data: é€😀\n\n');
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte));
        controller.close();
      },
    });
    const events = [];
    for await (const event of readEvents(body)) events.push(event);
    expect(events).toEqual([{ event: 'message', data: 'é€😀' }]);
  });
});
