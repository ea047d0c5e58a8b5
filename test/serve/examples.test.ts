import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/ts/util/package-root.js';
import { makeTinyModel } from '../support/tiny-model.js';
import { DEFAULTS } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-examples-'));

beforeAll(async () => {
  makeTinyModel(folder, { info: { name: 'tiny', defaults: DEFAULTS } });
  const step = new URL('../../scripts/steps/typescript.mjs', import.meta.url).href;
  await ((await import(step)) as { typescript(): Promise<string> }).typescript();
}, 400_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the library in a service of one’s own', () => {
  it.each(['fastify', 'express'])('draws in the example of %s, and ends in order', async (name) => {
    const child = spawn(process.execPath, [join(packageRoot(), 'example', `${name}.mjs`), folder], {
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
    const url = await new Promise<string>((resolve, reject) => {
      let text = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        const [found] = /http:\/\/\S+/.exec(text) ?? [];
        if (found !== undefined) resolve(found);
      });
      void closed.then((code) => reject(new Error(`ended with ${code}: ${text}`)));
    });
    const draw = async (query: string): Promise<Buffer> => {
      const response = await fetch(`${url}/?${query}`);
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png']);
      return Buffer.from(await response.arrayBuffer());
    };
    const [one, again, other] = await Promise.all(['prompt=a&seed=1', 'prompt=a&seed=1', 'prompt=b&seed=2'].map(draw));
    expect((await sharp(one).metadata()).width).toBe(32);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    await fetch(`${url}/?prompt=gone`, { signal: AbortSignal.timeout(5) }).catch(() => undefined);
    child.kill('SIGTERM');
    expect(await closed).toBe(0);
  });
});
