import { describe, expect, it } from 'vitest';
import type { Unclip } from '../../src/ts/pipelines/unclip.js';
import { Captions } from '../../src/ts/serve/jobs/captions.js';

describe('captions of a service', () => {
  it('say why they could not be embedded, and are tried again', async () => {
    const failures: unknown[] = [];
    const lost = new Error('the device was lost');
    let tries = 0;
    const captionBank = async () => {
      if (++tries < 3) throw lost;
      return 'embedded';
    };
    const captions = new Captions({ captionBank } as unknown as Unclip, ['a ball'], (error) => failures.push(error));
    captions.prepare();
    await expect(captions.bank()).rejects.toBe(lost);
    expect(failures).toEqual([lost]);
    await expect(captions.bank()).rejects.toBe(lost);
    expect(await captions.bank()).toBe('embedded');
    expect(await captions.bank()).toBe('embedded');
    expect([tries, failures.length]).toEqual([3, 2]);
  });
});
