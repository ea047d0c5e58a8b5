import { UnclipError } from '../util/errors.js';

/** Somebody's signal was aborted. */
export const cancelled = (): UnclipError => new UnclipError('CANCELLED', 'drawing was cancelled');

export const overdue = (): UnclipError =>
  new UnclipError('DEADLINE_EXCEEDED', 'the picture was not finished by its deadline');

/** @throws UnclipError QUEUE_FULL when pictures do not all find room beside those that wait */
export function requireRoom(waiting: number, more: number, maxQueued: number): void {
  if (waiting + more > maxQueued)
    throw new UnclipError('QUEUE_FULL', `${waiting} pictures wait already; try again later`);
}
