import type { DrawRequest } from '../api/request.js';
import { type Entry, nextOrder } from '../gallery/entry.js';
import { Store } from '../state/store.js';
import { announce } from '../ui/notices.js';
import { EMPTY_PICTURE, isActive, type Job } from './job.js';
import { runJob } from './run.js';

/** Requests under way and those that failed, newest first, and the last that was finished. */
export const jobs = new Store<readonly Job[]>([]);

const controllers = new Map<number, AbortController>();
let count = 0;

/** Begins to draw. @param again the picture that it is expected to be */
export function startJob(request: DrawRequest, again?: Entry): void {
  const pictures = Array.from({ length: request.n }, () => EMPTY_PICTURE);
  const job: Job = {
    id: ++count,
    request,
    order: nextOrder(),
    tookMs: undefined,
    again,
    same: undefined,
    status: { name: 'queued' },
    pictures,
  };
  jobs.value = [job, ...jobs.value.filter(({ status }) => status.name !== 'done')];
  announce(request.n === 1 ? 'Drawing a picture' : `Drawing ${request.n} pictures`);
  begin(job);
}

/** Sends the request of a job once more; pictures that it has finished stay. */
export function retryJob(job: Job): void {
  const pictures = job.pictures.map((picture) => (picture.entry === undefined ? EMPTY_PICTURE : picture));
  change(job.id, { status: { name: 'queued' }, pictures });
  begin(job);
}

export const cancelJob = ({ id }: Job): void => controllers.get(id)?.abort();

/** Takes a job off the page. What it has drawn stays in the gallery. */
export function dismissJob(job: Job): void {
  cancelJob(job);
  jobs.value = jobs.value.filter(({ id }) => id !== job.id);
}

/** Cancels what was asked for last. @returns whether there was something to cancel */
export function cancelLatest(): boolean {
  const latest = jobs.value.find(isActive);
  if (latest !== undefined) cancelJob(latest);
  return latest !== undefined;
}

function begin({ id }: Job): void {
  const controller = new AbortController();
  controllers.set(id, controller);
  const now = (): Job | undefined => jobs.value.find((job) => job.id === id);
  void runJob({ now, change: (part) => change(id, part) }, controller.signal);
}

function change(id: number, part: Partial<Job>): void {
  jobs.value = jobs.value.map((job) => (job.id === id ? { ...job, ...part } : job));
}
