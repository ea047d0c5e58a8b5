import { ofTab } from '../state/storage.js';
import { Store } from '../state/store.js';

const storage = ofTab('api-key');

/** The API key; it is forgotten with the tab. */
export const apiKey = new Store(storage.read());

apiKey.subscribe((key) => storage.write(key));

/** Whether the server has asked for a key, or for another one. */
export const keyWanted = new Store(false);
