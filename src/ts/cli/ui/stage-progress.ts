import cliProgress from 'cli-progress';
import type { GenerateProgress } from '../../pipelines/progress.js';
import { formatDuration } from './format.js';
import { printLine, type Terminal } from './terminal.js';

type Stage = GenerateProgress['stage'];

/** One step of a stage, as the whole command sees it. */
export interface StageStep {
  readonly stage: Stage;
  readonly step: number;
  readonly steps: number;
  /** Pictures that are being drawn, counted from 1 over all prompts: `3`, or `3–4` of a batch. */
  readonly pictures: string;
  readonly total: number;
  readonly remainingMs: number | undefined;
}

/** Tells a person how far drawing is. */
export interface StageProgress {
  update(step: StageStep): void;
  stop(): void;
}

const NAMES: Readonly<Record<Stage, string>> = {
  load: 'load',
  inversion: 'inversion',
  text: 'text',
  prior: 'prior',
  decoder: 'decoder',
  superRes: 'upsampler',
};

const label = (stage: Stage): string => NAMES[stage].padEnd(9);

/** Which pictures a step is about; loading is about all of them. */
const picturesOf = ({ stage, pictures, total }: StageStep): string =>
  total === 1 || stage === 'load' || stage === 'inversion' ? '' : `picture ${pictures} of ${total}`;

/** Bars on a terminal, one line a finished stage where the output goes elsewhere, nothing when asked for quiet. */
export function stageProgress(stderr: Terminal['stderr'], quiet: boolean): StageProgress {
  if (quiet) return { update: () => {}, stop: () => {} };
  return stderr.isTTY ? new Bars(stderr) : new Lines(stderr);
}

/** A bar per stage; each batch of pictures fills the same bars anew. */
class Bars implements StageProgress {
  readonly #bars: cliProgress.MultiBar;
  readonly #byStage = new Map<Stage, cliProgress.SingleBar>();
  #pictures = '';

  constructor(stream: NodeJS.WritableStream) {
    this.#bars = new cliProgress.MultiBar({
      stream,
      format: '{label} {bar} {value}/{total}  {note}',
      barsize: 30,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      hideCursor: true,
      // The command itself listens to Ctrl-C, and stops the bars when drawing has stopped.
      gracefulExit: false,
    });
  }

  update(s: StageStep): void {
    if (s.pictures !== this.#pictures) {
      for (const [stage, bar] of this.#byStage) if (stage !== 'load') bar.update(0, { note: '' });
      this.#pictures = s.pictures;
    }
    const left = s.remainingMs === undefined || s.step === s.steps ? '' : `${formatDuration(s.remainingMs)} left`;
    const payload = { label: label(s.stage), note: [left, picturesOf(s)].filter(Boolean).join('  ') };
    const bar = this.#byStage.get(s.stage);
    if (bar === undefined) this.#byStage.set(s.stage, this.#bars.create(s.steps, s.step, payload));
    else bar.update(s.step, payload);
  }

  stop(): void {
    this.#bars.stop();
  }
}

class Lines implements StageProgress {
  readonly #stream: NodeJS.WritableStream;
  #mark = performance.now();

  constructor(stream: NodeJS.WritableStream) {
    this.#stream = stream;
  }

  update(s: StageStep): void {
    if (s.step < s.steps) return;
    const now = performance.now();
    const steps = s.steps === 1 ? '' : `${s.steps} steps, `;
    const parts = [picturesOf(s), `${NAMES[s.stage]}: ${steps}${formatDuration(now - this.#mark)}`];
    printLine(this.#stream, parts.filter(Boolean).join(', '));
    this.#mark = now;
  }

  stop(): void {}
}
