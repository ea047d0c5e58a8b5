/** Changes that were made, in order, and those that were taken back. */
export interface History<T> {
  readonly done: readonly T[];
  readonly undone: readonly T[];
}

export const EMPTY_HISTORY: History<never> = { done: [], undone: [] };

export const make = <T>({ done }: History<T>, change: T): History<T> => ({ done: [...done, change], undone: [] });

export function undo<T>(history: History<T>): History<T> {
  const last = history.done.at(-1);
  if (last === undefined) return history;
  return { done: history.done.slice(0, -1), undone: [...history.undone, last] };
}

export function redo<T>(history: History<T>): History<T> {
  const last = history.undone.at(-1);
  if (last === undefined) return history;
  return { done: [...history.done, last], undone: history.undone.slice(0, -1) };
}
