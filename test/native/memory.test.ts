import { describe, expect, it } from 'vitest';
import { addon } from '../../src/ts/native/addon.js';

describe('trimMemory', () => {
  it('runs beside the event loop, as often as it is asked', async () => {
    const trims = Array.from({ length: 3 }, () => addon().trimMemory());
    expect(await Promise.all(trims)).toEqual([undefined, undefined, undefined]);
  });
});
