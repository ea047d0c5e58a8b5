import { stageName } from '../story/story.js';
import type { Job } from './job.js';

/** What a job is doing, in words. @param now milliseconds since 1970 */
export function statusText({ status, pictures, same, again, tookMs }: Job, now: number): string {
  switch (status.name) {
    case 'queued':
      return 'Waiting for other requests of this page';
    case 'key':
      return 'Waiting for an API key';
    case 'busy':
      return `${status.message} Trying again in ${Math.max(0, Math.ceil((status.until - now) / 1000))} s.`;
    case 'cancelled':
      return 'Cancelled';
    case 'failed':
      return status.message;
    case 'done':
      if (again === undefined) return `Drawn in ${((tookMs ?? 0) / 1000).toFixed(1)} s`;
      return same ? 'The same picture, to the byte' : 'Another picture: model or kernels have changed since';
    case 'drawing':
      return drawingText(pictures);
  }
}

function drawingText(pictures: Job['pictures']): string {
  const finished = pictures.filter(({ entry }) => entry !== undefined).length;
  const count = pictures.length > 1 ? `${finished} of ${pictures.length} done. ` : '';
  const at = pictures.find(({ at, entry }) => entry === undefined && at !== undefined)?.at;
  return at === undefined
    ? `${count}Waiting for the first step`
    : `${count}${stageName(at.stage)}, step ${at.step} of ${at.steps}`;
}
