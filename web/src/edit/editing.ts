import type { Entry } from '../gallery/entry.js';
import { Store } from '../state/store.js';

/** The picture in the edit view; undefined while that is closed. */
export const editing = new Store<Entry | undefined>(undefined);
