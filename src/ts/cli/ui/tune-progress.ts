import cliProgress from 'cli-progress';
import { describeChoice } from '../../tune/candidates.js';
import type { TunedClass, TuneProgress } from '../../tune/tune-graphs.js';
import { printLine, type Terminal } from './terminal.js';

/** Tells a person how far tuning is. */
export interface TuneProgressBar {
  update(progress: TuneProgress): void;
  stop(): void;
}

const note = ({ op, label, choice, heuristicMs, ms }: TunedClass): string =>
  `${op} ${label}: ${describeChoice(choice)}, ${(heuristicMs / ms).toFixed(2)}×`;

/** A bar on a terminal, one line a shape class where the output goes elsewhere, nothing when asked for quiet. */
export function tuneProgress(stderr: Terminal['stderr'], quiet: boolean): TuneProgressBar {
  if (quiet) return { update: () => {}, stop: () => {} };
  if (!stderr.isTTY)
    return {
      update({ done, total, tuned }) {
        if (tuned !== undefined) printLine(stderr, `${done}/${total} ${note(tuned)}`);
      },
      stop: () => {},
    };
  const bar = new cliProgress.SingleBar({
    stream: stderr,
    format: 'tune      {bar} {value}/{total}  {note}',
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    // The command itself listens to Ctrl-C.
    gracefulExit: false,
  });
  let started = false;
  return {
    update({ done, total, tuned }) {
      if (!started) bar.start(total, done, { note: '' });
      else bar.update(done, { note: tuned === undefined ? '' : note(tuned) });
      started = true;
    },
    stop() {
      if (started) bar.stop();
    },
  };
}
