import type { DrawEvent } from '../api/draw.js';
import type { DrawRequest } from '../api/request.js';
import { type Entry, type Frame, newId } from '../gallery/entry.js';
import { model } from '../state/model.js';
import { sidesOf, thumbnail } from '../ui/pictures.js';
import type { Job, JobPicture } from './job.js';

/** Unfinished pictures that are kept with a finished one, and their longer side. */
const KEPT_FRAMES = 12;
const FRAME_SIDE = 192;

/** Makes a gallery entry of a picture that has come. @returns it, and whether it is what it was expected to be */
export async function finishPicture(
  { request, order, again }: Job,
  { prior, frames }: JobPicture,
  { picture: index, file, seed, settings }: DrawEvent & { type: 'picture' },
): Promise<{ readonly entry: Entry; readonly same: boolean | undefined }> {
  const entry = {
    id: newId(),
    time: Date.now(),
    // The first picture of a request stands before the second.
    order: order - index / 100,
    kind: request.kind,
    model: model.value?.id ?? '',
    prompt: request.kind === 'vary' ? '' : request.prompt,
    seed,
    settings,
    picture: file,
    ...(await sidesOf(file)),
    ...originOf(request),
    prior,
    frames: await smallFrames(frames),
  };
  if (again === undefined) return { entry, same: undefined };
  const same = await equalBytes(again.picture, file);
  // The very picture of the gallery: it needs no second entry.
  return { entry: same ? again : entry, same };
}

function originOf(request: DrawRequest): Pick<Entry, 'source' | 'mask'> {
  if (request.kind === 'generate') return {};
  return request.kind === 'vary' ? { source: request.picture } : { source: request.picture, mask: request.mask };
}

/** A few of the frames, evenly spread, the last among them. */
function smallFrames(frames: readonly Frame[]): Promise<Frame[]> {
  const count = Math.min(KEPT_FRAMES, frames.length);
  const chosen = Array.from({ length: count }, (_, k) => frames[Math.ceil(((k + 1) * frames.length) / count) - 1]!);
  return Promise.all(chosen.map(async (frame) => ({ ...frame, file: await thumbnail(frame.file, FRAME_SIDE) })));
}

async function equalBytes(a: Blob, b: Blob): Promise<boolean> {
  if (a.size !== b.size) return false;
  const [left, right] = await Promise.all([a.arrayBuffer(), b.arrayBuffer()]);
  const bytes = new Uint8Array(right);
  return new Uint8Array(left).every((byte, k) => byte === bytes[k]);
}
