import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Unclip } from '../../src/ts/index.js';
import { packageRoot } from '../../src/ts/util/package-root.js';

const MODEL = join(import.meta.dirname, '..', 'fixtures', 'unclip-t2i', 'model');
const folder = mkdtempSync(join(tmpdir(), 'unclip-threads-'));
const node = promisify(execFile);

/** As it was before this process opened a device: a thread has to find its driver by itself. */
const ENVIRONMENT = { ...process.env };

beforeAll(async () => {
  const step = new URL('../../scripts/steps/typescript.mjs', import.meta.url).href;
  await ((await import(step)) as { typescript(): Promise<string> }).typescript();
}, 400_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('worker threads', () => {
  it('draw the same picture, several at once beside the main thread', async () => {
    const script = join(import.meta.dirname, '..', 'support', 'thread-draw.mjs');
    const dist = join(packageRoot(), 'dist', 'index.js');
    const { stdout } = await node(process.execPath, [script, dist, MODEL, '2'], { env: ENVIRONMENT });
    const unclip = await Unclip.load(MODEL, { dtype: 'f32' });
    const settings = { priorSteps: 2, decoderSteps: 2, superResSteps: 2 };
    const { images } = await unclip.generate({ prompt: 'a red panda', seed: 3, ...settings });
    await unclip.dispose();
    const hash = createHash('sha256').update(images[0]!.data).digest('hex');
    expect(stdout.trim().split('\n')).toEqual([hash, hash, hash]);
  });

  it('draw in the example, without a driver prepared by the main thread', async () => {
    const script = join(packageRoot(), 'example', 'worker.mjs');
    const { stdout } = await node(process.execPath, [script, 'a red panda', MODEL], { cwd: folder, env: ENVIRONMENT });
    const names = ['partial-0.png', 'partial-1.png', 'partial-2.png', 'picture-0.png'];
    expect(stdout.trim().split('\n')).toEqual(names);
    expect(readdirSync(folder).sort()).toEqual(names);
    expect((await sharp(join(folder, 'picture-0.png')).metadata()).format).toBe('png');
  });
});
