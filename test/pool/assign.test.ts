import { describe, expect, it } from 'vitest';
import { assign, DEATHS_BEFORE_ALONE, type Room, type Waiting } from '../../src/ts/pool/assign.js';

let arrivals = 0;
const waiting = (request: number, more: Partial<Waiting> = {}): Waiting => ({
  request,
  priority: 0,
  deadline: undefined,
  arrival: arrivals++,
  begun: 0,
  deaths: 0,
  ...more,
});
const room = (given: number, capacity = 4, alone = false): Room => ({ given, capacity, alone });
const pairs = (pictures: readonly Waiting[], rooms: readonly Room[]): string[] =>
  assign(pictures, rooms).map(({ picture, worker }) => `${picture}→${worker}`);

describe('assign', () => {
  it('fills workers evenly, by how full they are, and no further than their room', () => {
    const five = Array.from({ length: 9 }, () => waiting(1));
    expect(pairs(five.slice(0, 3), [room(0), room(0)])).toEqual(['0→0', '1→1', '2→0']);
    expect(pairs(five.slice(0, 3), [room(2), room(0)])).toEqual(['0→1', '1→1', '2→0']);
    expect(pairs(five.slice(0, 3), [room(0, 2), room(0, 8)])).toEqual(['0→0', '1→1', '2→1']);
    expect(pairs(five, [room(1), room(2)])).toHaveLength(5);
    expect(pairs(five, [])).toEqual([]);
  });

  it('takes turns between requests, urgent ones first', () => {
    const pictures = [waiting(1), waiting(1), waiting(2), waiting(3, { priority: 1 }), waiting(4, { begun: 2 })];
    expect(pairs(pictures, [room(0, 9)])).toEqual(['3→0', '0→0', '2→0', '1→0', '4→0']);
  });

  it('draws what a dead worker had before its equals', () => {
    const pictures = [waiting(1), waiting(2, { begun: 9, deaths: 1 }), waiting(3, { priority: 1 })];
    expect(pairs(pictures, [room(0)])).toEqual(['2→0', '1→0', '0→0']);
  });

  it('gives a picture that has seen several workers die one of its own', () => {
    const suspect = waiting(1, { deaths: DEATHS_BEFORE_ALONE });
    const pictures = [waiting(2), suspect, waiting(3)];
    expect(pairs(pictures, [room(0), room(0)])).toEqual(['1→0', '0→1', '2→1']);
    // No worker is empty: the emptier one takes nothing more until it is.
    expect(pairs(pictures, [room(2), room(1)])).toEqual(['0→0', '2→0']);
    expect(pairs(pictures, [room(1)])).toEqual([]);
    // While it is drawn, its worker takes nothing else.
    expect(pairs([waiting(2)], [room(1, 4, true), room(3)])).toEqual(['0→1']);
    expect(pairs([suspect, { ...suspect }], [room(0)])).toEqual(['0→0']);
  });
});
