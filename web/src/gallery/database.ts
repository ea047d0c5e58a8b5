import type { Entry } from './entry.js';

const NAME = 'unclip';
const PICTURES = 'pictures';

const settled = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(NAME, 1);
  request.onupgradeneeded = () => request.result.createObjectStore(PICTURES, { keyPath: 'id' });
  return settled(request);
}

/** The gallery's pictures in the browser's own store. Everything throws a DOMException where the browser has none or it is full. */
export class Database {
  #open: Promise<IDBDatabase> | undefined;

  all(): Promise<Entry[]> {
    return this.#run('readonly', (store) => store.getAll() as IDBRequest<Entry[]>);
  }

  async put(entry: Entry): Promise<void> {
    await this.#run('readwrite', (store) => store.put(entry));
  }

  async remove(id: string): Promise<void> {
    await this.#run('readwrite', (store) => store.delete(id));
  }

  async clear(): Promise<void> {
    await this.#run('readwrite', (store) => store.clear());
  }

  async #run<T>(mode: IDBTransactionMode, act: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
    this.#open ??= open();
    const database = await this.#open;
    const transaction = database.transaction(PICTURES, mode);
    const committed = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    const [result] = await Promise.all([settled(act(transaction.objectStore(PICTURES))), committed]);
    return result;
  }
}
