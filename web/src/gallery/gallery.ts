import { Store } from '../state/store.js';
import { notify } from '../ui/notices.js';
import { Database } from './database.js';
import type { Entry } from './entry.js';

/** Most pictures that are kept; the oldest go first. */
export const MOST_KEPT = 200;

const database = new Database();

/** All pictures, newest first. */
export const gallery = new Store<readonly Entry[]>([]);

/** The gallery's entry that is shown large. */
export const opened = new Store<string | undefined>(undefined);

let warned = false;

/** Keeps a change in the browser's store; what it will not keep lasts as long as the page. */
async function keep(change: () => Promise<unknown>): Promise<void> {
  try {
    await change();
  } catch {
    if (!warned) notify('This browser does not keep the gallery: it is gone when the page is closed.');
    warned = true;
  }
}

const newestFirst = (entries: readonly Entry[]): Entry[] => [...entries].sort((a, b) => b.order - a.order);

export async function loadGallery(): Promise<void> {
  await keep(async () => {
    const kept = await database.all();
    const known = new Set(gallery.value.map(({ id }) => id));
    gallery.value = newestFirst([...gallery.value, ...kept.filter(({ id }) => !known.has(id))]);
  });
}

export async function addEntry(entry: Entry): Promise<void> {
  const all = newestFirst([entry, ...gallery.value]);
  gallery.value = all.slice(0, MOST_KEPT);
  await keep(async () => {
    await database.put(entry);
    for (const { id } of all.slice(MOST_KEPT)) await database.remove(id);
  });
}

export const isKept = ({ id }: Entry): boolean => gallery.value.some((entry) => entry.id === id);

/** Takes a picture out; a notice lets it be put back. */
export async function removeEntry(entry: Entry): Promise<void> {
  gallery.value = gallery.value.filter(({ id }) => id !== entry.id);
  if (opened.value === entry.id) opened.value = undefined;
  notify('Picture deleted.', { name: 'Undo', act: () => void addEntry(entry) });
  await keep(() => database.remove(entry.id));
}

export async function clearGallery(): Promise<void> {
  gallery.value = [];
  opened.value = undefined;
  await keep(() => database.clear());
}
