import { IconButton } from '../ui/button.js';
import { isActive, type Job, progressOf } from './job.js';
import { cancelJob, dismissJob, retryJob } from './jobs.js';
import { statusText } from './status-text.js';
import { useNow } from './use-now.js';

/** How far a job is, and what a person can do about it. */
export function JobStatus({ job }: { readonly job: Job }) {
  const { status } = job;
  const now = useNow(status.name === 'busy');
  const text = statusText(job, now);
  const active = isActive(job);
  const again = status.name === 'failed' || status.name === 'cancelled';
  return (
    <div class={`job-status ${status.name}`}>
      <p role={status.name === 'failed' ? 'alert' : undefined}>{text}</p>
      {again && <IconButton icon="again" label="Try again" wide onClick={() => retryJob(job)} />}
      {active ? (
        <IconButton icon="close" label="Cancel" wide onClick={() => cancelJob(job)} />
      ) : (
        <IconButton icon="close" label="Dismiss" onClick={() => dismissJob(job)} />
      )}
      {active && <progress max={1} value={progressOf(job)} aria-label="Progress" aria-valuetext={text} />}
    </div>
  );
}
