import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { GenerateRequest } from '../../pipelines/text-to-image.js';
import type { Unclip } from '../../pipelines/unclip.js';
import type { EndToEnd } from '../schema.js';
import { mean, slope } from '../statistics.js';

/** Growth over the later pictures that counts as none: the allocator's own play. */
const PLAY = { share: 0.02, bytes: 8 * 2 ** 20 };

/** Fewer pictures than this tell nothing about growth. */
const ENOUGH = 8;

/** Draws pictures one after the other and reads the process's memory after each, once garbage is collected. */
export async function memoryOverPictures(
  unclip: Unclip,
  request: GenerateRequest,
  pictures: number,
  tell: (done: number) => void,
): Promise<EndToEnd['memory']> {
  setFlagsFromString('--expose-gc');
  const collectGarbage = runInNewContext('gc') as () => void;
  const rss: number[] = [];
  for (let i = 0; i < pictures; i++) {
    await unclip.generate({ ...request, n: 1, seed: i });
    collectGarbage();
    rss.push(process.memoryUsage.rss());
    tell(i + 1);
  }
  return { rss, ...growth(rss) };
}

/** Memory after the last quarter of the pictures against the second quarter; the first is left to caches that fill. */
export function growth(rss: readonly number[]): { constant?: boolean; growthBytes?: number; slopeBytes?: number } {
  if (rss.length < ENOUGH) return {};
  const quarter = rss.length >> 2;
  const settled = mean(rss.slice(quarter, 2 * quarter));
  const growthBytes = mean(rss.slice(-quarter)) - settled;
  const constant = growthBytes <= Math.max(PLAY.bytes, PLAY.share * settled);
  return { constant, growthBytes, slopeBytes: slope(rss.slice(quarter)) };
}
