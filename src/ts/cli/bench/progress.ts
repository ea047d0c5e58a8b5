import cliProgress from 'cli-progress';
import { printLine, type Terminal } from '../ui/terminal.js';

/** Tells a person how far a long measurement is. */
export interface BenchProgress {
  /** What is measured now. */
  begin(what: string): void;
  /** One thing is measured; `result` is a line about it. */
  done(result: string): void;
  stop(): void;
}

/** A bar on a terminal, one line a result where the output goes elsewhere, nothing when asked for quiet. */
export function benchProgress(stderr: Terminal['stderr'], total: number, quiet: boolean): BenchProgress {
  if (quiet) return { begin: () => {}, done: () => {}, stop: () => {} };
  return stderr.isTTY ? bar(stderr, total) : lines(stderr, total);
}

function bar(stream: NodeJS.WritableStream, total: number): BenchProgress {
  const single = new cliProgress.SingleBar({
    stream,
    format: '{bar} {value}/{total}  {what}',
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    clearOnComplete: true,
    // The command itself listens to Ctrl-C.
    gracefulExit: false,
  });
  single.start(total, 0, { what: '' });
  return {
    begin: (what) => single.update({ what }),
    done: () => single.increment(),
    stop: () => single.stop(),
  };
}

function lines(stream: NodeJS.WritableStream, total: number): BenchProgress {
  let count = 0;
  return {
    begin: () => {},
    done: (result) => printLine(stream, `[${++count}/${total}] ${result}`),
    stop: () => {},
  };
}
