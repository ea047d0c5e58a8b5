import { accessSync, constants } from 'node:fs';
import { dirname } from 'node:path';
import { type Command, Option } from 'commander';
import { type BenchEngine, closeEngine, openEngine } from '../../bench/engine.js';
import { reportPage } from '../../bench/html/page.js';
import { measureRoofline, probes } from '../../bench/roofline.js';
import type { Report } from '../../bench/schema.js';
import type { AdapterChoice } from '../../gpu/find-adapter.js';
import { UnclipError } from '../../util/errors.js';
import { writeFileAtomic } from '../../util/write-file.js';
import { ReportedFailure } from '../failure.js';
import { ADAPTER_HELP, oneOf, wholeNumber } from '../options.js';
import { type CommandContext, printLine } from '../ui/terminal.js';
import { formatTime } from './cells.js';
import { benchProgress } from './progress.js';

/** Options of every sub-command that measures. */
export interface CommonOptions {
  readonly adapter?: AdapterChoice;
  readonly tuning: 'cached' | 'off';
  readonly json?: string;
  readonly html?: string;
  readonly quiet?: boolean;
}

export const addCommonOptions = (command: Command): Command =>
  command
    .option('--adapter <which>', ADAPTER_HELP)
    .option(
      '--tuning <mode>',
      "cached: kernels as 'unclip tune' found best, where it ran; off",
      oneOf('--tuning', ['cached', 'off']),
      'cached',
    )
    .addOption(new Option('--deterministic', 'the same as --tuning off').implies({ tuning: 'off' }))
    .option('--json <file>', 'write the report as JSON (bench/README.md describes it)')
    .option('--html <file>', 'write the report as one self-contained page with plots')
    .option('-q, --quiet', 'no progress');

/** `--runs`, for sub-commands that time kernels. */
export const addRunsOption = (command: Command): Command =>
  command.option('--runs <n>', 'timed runs of each kernel', wholeNumber('--runs', 3, 500), 20);

/** Rows that were wrong or did not run. */
const brokenRows = (r: Report): number =>
  [...(r.kernels ?? []), ...(r.shapes?.rows ?? [])].filter((row) => row.status === 'wrong' || row.status === 'failed')
    .length;

/**
 * Opens the adapter, lets `measure` fill the report, and writes it wherever it was asked for. After Ctrl-C that happens with
 * what was measured until then.
 * @throws ReportedFailure when a kernel was wrong or did not run
 */
export async function withEngine(
  options: CommonOptions,
  context: CommandContext,
  measure: (engine: BenchEngine) => Promise<void>,
  print: (report: Report) => string,
): Promise<void> {
  checkTargets(options);
  const engine = await openEngine({ adapter: options.adapter }, options.tuning === 'cached');
  const { report } = engine;
  try {
    await measure(engine);
  } catch (error) {
    // Work that Ctrl-C stopped halfway: what came before it counts.
    if (!context.signal.aborted) throw error;
  } finally {
    await closeEngine(engine);
  }
  await publish({ ...report, interrupted: context.signal.aborted }, options, context, print);
}

/** Prints a report and writes its files. @throws ReportedFailure as {@link withEngine}, UnclipError CANCELLED, IO_FAILED */
export async function publish(
  report: Report,
  options: CommonOptions,
  { stdout, signal }: CommandContext,
  print: (report: Report) => string,
): Promise<void> {
  const write = (path: string, text: string): Promise<void> => writeFileAtomic(path, Buffer.from(text));
  printLine(stdout, print(report));
  if (options.json !== undefined) await write(options.json, `${JSON.stringify(report, null, 2)}\n`);
  if (options.html !== undefined) await write(options.html, reportPage(report));
  if (signal.aborted) throw signal.reason;
  if (brokenRows(report) > 0) throw new ReportedFailure();
}

/** Told before anything is measured, not after. @throws UnclipError IO_FAILED */
export function checkTargets({ json, html }: CommonOptions): void {
  for (const path of [json, html]) {
    if (path === undefined) continue;
    try {
      accessSync(dirname(path), constants.W_OK);
    } catch (cause) {
      const message = `cannot write ${path}: its folder is not there or may not be written to`;
      throw new UnclipError('IO_FAILED', message, { cause });
    }
  }
}

/** Measures the adapter's peaks into the report. */
export async function addRoofline(
  { runtime, timer, report }: BenchEngine,
  runs: number,
  quiet: boolean | undefined,
  { stderr, signal }: CommandContext,
): Promise<void> {
  const { caps } = runtime.device;
  const progress = benchProgress(stderr, probes(caps).length, quiet ?? false);
  try {
    report.roofline = await measureRoofline(
      timer,
      caps,
      { samples: runs, minSamples: runs },
      {
        signal,
        begin: (name) => progress.begin(`roofline: ${name}`),
        done: (name, ms) => progress.done(`roofline: ${name}: ${formatTime(ms)}`),
      },
    );
  } finally {
    progress.stop();
  }
}
