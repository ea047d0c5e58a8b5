import type { Unclip } from '../pipelines/unclip.js';
import type { Drawing } from './drawing.js';
import type { FileOptions } from './file-options.js';
import { formatDuration } from './ui/format.js';
import { type CommandContext, printJson, printLine } from './ui/terminal.js';

const STAGES: Readonly<Record<string, string>> = { superRes: 'upsampler' };

export interface DrawnReport {
  readonly drawing: Drawing;
  readonly unclip: Unclip;
  /** How the model was named. */
  readonly model: string;
  readonly totalMs: number;
  /** What a command says besides in its JSON document. */
  readonly more: Readonly<Record<string, unknown>>;
  /** Files beside the pictures, by what they are. */
  readonly files?: Readonly<Record<string, string>>;
}

/** What was drawn: paths, or one JSON document, on stdout; adapter and times on stderr. */
export function reportDrawn(report: DrawnReport, options: FileOptions, { stdout, stderr }: CommandContext): void {
  const { drawing, files = {} } = report;
  if (options.json) printJson(stdout, asJson(report));
  else for (const file of [...drawing.pictures.map((p) => p.file), ...Object.values(files)]) printLine(stdout, file);
  if (!options.quiet && !options.json) printLine(stderr, summary(report));
}

function summary({ drawing: { timings }, unclip, totalMs }: DrawnReport): string {
  const stages = [...timings].map(([stage, ms]) => `${STAGES[stage] ?? stage} ${Math.round(ms)} ms`).join(', ');
  const { name, software } = unclip.adapter;
  return `${name}${software ? ' (software)' : ''}, ${unclip.dtype}${unclip.weights === 'full' ? '' : `, weights ${unclip.weights}`}\n${stages}; ${formatDuration(totalMs)} in all`;
}

function asJson({ drawing, unclip, model, totalMs, more, files }: DrawnReport): object {
  const milliseconds = (ms: number): number => Math.round(ms * 10) / 10;
  return {
    pictures: drawing.pictures,
    ...files,
    model: { folder: model, name: unclip.model.info.name, hash: unclip.model.hash },
    adapter: unclip.adapter,
    dtype: unclip.dtype,
    weights: unclip.weights,
    ...more,
    timings: [...drawing.timings].map(([stage, ms]) => ({ stage, ms: milliseconds(ms) })),
    totalMs: milliseconds(totalMs),
  };
}
