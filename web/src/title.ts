import { isActive, progressOf } from './jobs/job.js';
import { jobs } from './jobs/jobs.js';

/** Shows in the tab's title how far the requests under way are. */
export function followTitle(): void {
  jobs.subscribe((all) => {
    const active = all.filter(isActive);
    const done = active.reduce((sum, job) => sum + progressOf(job), 0) / active.length;
    document.title = active.length === 0 ? 'unclip' : `${Math.floor(100 * done)} % – unclip`;
  });
}
