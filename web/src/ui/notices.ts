import { Store } from '../state/store.js';

export interface Notice {
  readonly number: number;
  readonly text: string;
  readonly action?: { readonly name: string; act(): void };
}

const SHOWN_MS = 8000;
let count = 0;

/** Short messages at the edge of the page, latest last. */
export const notices = new Store<readonly Notice[]>([]);

/** Shows a message for a while. */
export function notify(text: string, action?: Notice['action']): void {
  const number = ++count;
  notices.value = [...notices.value.slice(-2), { number, text, action }];
  setTimeout(() => dismissNotice(number), SHOWN_MS);
}

export function dismissNotice(number: number): void {
  notices.value = notices.value.filter((notice) => notice.number !== number);
}

/** What a screen reader is told; nothing of it is seen. */
export const announcement = new Store('');

export function announce(text: string): void {
  announcement.value = text;
}
