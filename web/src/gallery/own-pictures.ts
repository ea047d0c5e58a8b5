import { model } from '../state/model.js';
import { notify } from '../ui/notices.js';
import { sidesOf } from '../ui/pictures.js';
import { newId, nextOrder } from './entry.js';
import { addEntry, gallery, opened } from './gallery.js';

/** Of files that are read as pictures; all browsers and the server know them. */
export const PICTURE_TYPES = ['image/png', 'image/jpeg', 'image/webp'];

/** Puts a person's own pictures into the gallery, and opens a single one; says what is wrong with those that are none. */
export async function addOwnPictures(files: readonly File[]): Promise<void> {
  for (const file of files) {
    const trouble = await add(file);
    if (trouble !== undefined) notify(`${file.name || 'The file'} ${trouble}`);
    else if (files.length === 1) opened.value = gallery.value[0]?.id;
  }
}

/** @returns what is wrong with the file */
async function add(file: File): Promise<string | undefined> {
  if (!PICTURE_TYPES.includes(file.type)) return 'is not a PNG, JPEG or WebP picture.';
  const sides = await sidesOf(file).catch(() => undefined);
  if (sides === undefined) return 'cannot be read as a picture; the file may be damaged.';
  const { width, height } = sides;
  const most = model.value?.max_pixels ?? Number.POSITIVE_INFINITY;
  if (width * height > most)
    return `has ${width} × ${height} pixels; the server reads at most ${most.toLocaleString('en')}.`;
  await addEntry({
    id: newId(),
    time: Date.now(),
    order: nextOrder(),
    kind: 'own',
    model: '',
    prompt: file.name,
    seed: undefined,
    settings: {},
    // A Blob of its own: a File may be a mere reference to what lies on the disk.
    picture: new Blob([await file.arrayBuffer()], { type: file.type }),
    width,
    height,
    prior: [],
    frames: [],
  });
  return undefined;
}
