import type { Candidate } from '../pipelines/best-of.js';
import type { Unclip } from '../pipelines/unclip.js';
import type { DrawingJob } from './drawing.js';
import { UsageError } from './failure.js';
import type { Output } from './output.js';
import type { RequestSettings } from './sampling-options.js';
import { onOneLine } from './ui/format.js';
import { formatTable } from './ui/table.js';
import { printLine } from './ui/terminal.js';

/** Every candidate of a prompt, as `--json` lists them. */
export interface ScoredPrompt {
  readonly prompt: string;
  readonly candidates: readonly Candidate[];
}

/** @throws UsageError for options that contradict one another */
export function checkCandidates(o: {
  readonly n: number;
  readonly candidates?: number;
  readonly keep?: number;
  readonly saveSteps?: boolean;
}): void {
  if (o.candidates === undefined) {
    if (o.keep !== undefined) throw new UsageError('--keep needs --candidates: how many are drawn to choose from');
    return;
  }
  if (o.n !== 1) throw new UsageError('-n and --candidates exclude each other; --keep says how many pictures stay');
  if (o.saveSteps) throw new UsageError('--save-steps and --candidates exclude each other; draw the kept seed again');
  if ((o.keep ?? 1) > o.candidates)
    throw new UsageError(`--keep is ${o.keep}, --candidates ${o.candidates}: no more can be kept than are drawn`);
}

/** A job a prompt: its pictures are known, and have names, only when all candidates are drawn. @param scored receives the scores */
export function* bestOfJobs(
  prompts: readonly string[],
  { settings, candidates, keep }: { settings: RequestSettings; candidates: number; keep: number },
  output: Output,
  unclip: Unclip,
  scored: ScoredPrompt[],
): Generator<DrawingJob> {
  const { n: _, ...rest } = settings;
  for (const [index, prompt] of prompts.entries()) {
    const files: string[] = [];
    yield {
      files,
      draw: async ({ signal, onProgress, onImage }) => {
        const result = await unclip.generateBest({
          ...rest,
          prompt,
          candidates,
          keep,
          signal,
          // Told as pictures drawn; the command counts those that it has written.
          onProgress: (p) => onProgress?.({ ...p, done: p.done + index * (candidates - keep) }),
        });
        scored.push({ prompt, candidates: result.candidates });
        for (const [k, image] of result.images.entries()) {
          files.push(output.path(prompt, image.seed, index * keep + k + 1));
          await onImage?.(image, k);
        }
        return result;
      },
    };
  }
}

/** Scores of all candidates, for people. */
export function printScores(scored: readonly ScoredPrompt[], stderr: NodeJS.WritableStream): void {
  for (const { prompt, candidates } of scored) {
    const ordered = [...candidates].sort((a, b) => b.cosine - a.cosine);
    const rows = ordered.map(({ seed, cosine, kept }) => [String(seed), cosine.toFixed(4), kept ? 'kept' : '']);
    printLine(stderr, `candidates of '${onOneLine(prompt, 100)}'`);
    printLine(stderr, formatTable(['seed', 'cosine', ''], rows, ['right', 'right', 'left']));
  }
}
