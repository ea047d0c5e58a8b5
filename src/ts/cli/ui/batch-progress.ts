import cliProgress from 'cli-progress';
import type { BatchProgress } from '../../batch/run-batch.js';
import type { PictureScheduler } from '../../pipelines/scheduler/picture-scheduler.js';
import type { SchedulerMetrics } from '../../pipelines/scheduler/scheduler-metrics.js';
import { formatDuration, plural } from './format.js';
import { printLine, type Terminal } from './terminal.js';

/** Tells a person how far a batch is. */
export interface BatchBar {
  update(progress: BatchProgress): void;
  stop(): void;
}

/** Least time between two lines where the output is no terminal. */
const LINE_EVERY_MS = 10_000;

const STAGES = { prior: 'prior', decoder: 'decoder', superRes: 'upsampler', superResLast: 'upsampler' } as const;

/**
 * @param lines of the batch file; undefined where that is not known
 * @param scheduler that draws, where it is this process's
 */
export function batchProgress(
  stderr: Terminal['stderr'],
  quiet: boolean,
  lines: number | undefined,
  scheduler?: PictureScheduler,
): BatchBar {
  if (quiet) return { update: () => {}, stop: () => {} };
  const note = notes(lines, scheduler);
  return stderr.isTTY ? bar(stderr, lines, note) : printedLines(stderr, lines, note);
}

function bar(stream: NodeJS.WritableStream, lines: number | undefined, note: (p: BatchProgress) => string): BatchBar {
  const format = lines === undefined ? '{value} lines  {note}' : '{bar} {value}/{total} lines  {note}';
  const single = new cliProgress.SingleBar({
    stream,
    format,
    barsize: 24,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    gracefulExit: false,
  });
  single.start(lines ?? 0, 0, { note: '' });
  return {
    update: (p) => single.update(p.lines, { note: note(p) }),
    stop: () => single.stop(),
  };
}

function printedLines(
  stream: NodeJS.WritableStream,
  lines: number | undefined,
  note: (p: BatchProgress) => string,
): BatchBar {
  let last = performance.now();
  return {
    update(p) {
      if (performance.now() - last < LINE_EVERY_MS) return;
      last = performance.now();
      printLine(stream, `line ${p.lines}${lines === undefined ? '' : ` of ${lines}`}: ${note(p)}`);
    },
    stop: () => {},
  };
}

/** Pictures so far and a second, pictures by stage, the batch size that was really reached, time left. */
function notes(lines: number | undefined, scheduler: PictureScheduler | undefined): (p: BatchProgress) => string {
  const begin = performance.now();
  return (p) => {
    const seconds = (performance.now() - begin) / 1000;
    const parts = [plural(p.drawn, 'picture'), `${(p.drawn / seconds).toFixed(2)}/s`];
    if (scheduler !== undefined) parts.push(...schedulerNotes(scheduler.metrics()));
    if (lines !== undefined && p.drawn > 0 && p.lines < lines)
      parts.push(`${formatDuration((1000 * seconds * (lines - p.lines)) / p.lines)} left`);
    return parts.join('  ');
  };
}

function schedulerNotes(metrics: SchedulerMetrics): string[] {
  const occupied = occupancy(metrics);
  const reached = reachedBatch(metrics);
  return [...(occupied === '' ? [] : [occupied]), ...(reached === undefined ? [] : [`batch ${reached.toFixed(1)}`])];
}

function occupancy({ active }: SchedulerMetrics): string {
  const counts = new Map<string, number>();
  for (const [stage, name] of Object.entries(STAGES)) {
    const count = active[stage as keyof typeof STAGES] ?? 0;
    if (count > 0) counts.set(name, (counts.get(name) ?? 0) + count);
  }
  return [...counts].map(([name, count]) => `${name} ${count}`).join(' ');
}

/** Pictures in a decoder step, on average. */
function reachedBatch({ stages }: SchedulerMetrics): number | undefined {
  const { decoder } = stages;
  return decoder === undefined ? undefined : decoder.pictures / decoder.batches;
}
