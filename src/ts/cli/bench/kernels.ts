import { Command } from 'commander';
import type { BenchEngine } from '../../bench/engine.js';
import { type KernelSelection, measureKernels, planKernels, rowCount } from '../../bench/kernels.js';
import type { KernelRow, Report } from '../../bench/schema.js';
import type { DeviceCaps } from '../../ops/types.js';
import { UsageError } from '../failure.js';
import { oneOf } from '../options.js';
import type { CommandContext } from '../ui/terminal.js';
import { MEASURED_HEAD, machineLines, measuredCells, resultLine, table } from './cells.js';
import { addCommonOptions, addRoofline, addRunsOption, type CommonOptions, withEngine } from './common.js';
import { benchProgress } from './progress.js';
import { rooflineTable } from './roofline.js';

export interface KernelOptions extends CommonOptions {
  readonly regex?: string;
  readonly dtype: 'f32' | 'f16' | 'all';
  readonly variant: string;
  readonly size: 'auto' | 'small' | 'large' | 'all';
  readonly runs: number;
}

/** `unclip bench kernels`: every op on a catalogue of shapes, in every variant. */
export function kernelsCommand(context: CommandContext): Command {
  const command = new Command('kernels')
    .description('time and check kernels: op × shape × dtype × variant')
    .option('--dtype <type>', 'f32, f16, all', oneOf('--dtype', ['f32', 'f16', 'all']), 'all');
  return addCommonOptions(addRunsOption(addSelectionOptions(command))).action((options: KernelOptions) =>
    withEngine(options, context, (engine) => addKernels(engine, options, context), kernelsText),
  );
}

/** Which kernels to measure. */
export const addSelectionOptions = (command: Command): Command =>
  command
    .option('-r, --regex <regex>', 'only kernels whose name (op/shape/dtype/variant) matches, in any case')
    .option('--variant <name>', "one variant by name, 'all', or 'chosen': what the engine takes", 'all')
    .option(
      '--size <size>',
      'auto (small on CPU drivers, all on GPUs), small, large, all',
      oneOf('--size', ['auto', 'small', 'large', 'all']),
      'auto',
    );

/** Measures kernels, and the roofline that they are held against, into the report. */
export async function addKernels(engine: BenchEngine, options: KernelOptions, context: CommandContext): Promise<void> {
  const { runtime, report } = engine;
  const jobs = planKernels(selectionOf(options, runtime.caps), runtime);
  if (report.roofline === undefined) await addRoofline(engine, options.runs, options.quiet, context);
  const rows: KernelRow[] = [];
  report.kernels = rows;
  const progress = benchProgress(context.stderr, rowCount(jobs), options.quiet ?? false);
  const { runs } = options;
  const { roofline } = report;
  try {
    await measureKernels(engine, jobs, { runs, roofline, signal: context.signal, begin: progress.begin }, (row) => {
      rows.push(row);
      progress.done(`${row.name}: ${resultLine(row)}`);
    });
  } finally {
    progress.stop();
  }
}

function selectionOf(o: KernelOptions, caps: DeviceCaps): KernelSelection {
  const size = o.size === 'auto' ? (caps.software ? 'small' : 'all') : o.size;
  return {
    pattern: o.regex === undefined ? undefined : parseRegex(o.regex),
    dtypes: o.dtype === 'all' ? ['f32', 'f16'] : [o.dtype],
    variant: o.variant,
    sizes: size === 'all' ? ['small', 'large'] : [size],
  };
}

function parseRegex(text: string): RegExp {
  try {
    return new RegExp(text, 'i');
  } catch (cause) {
    throw new UsageError(`-r is no regular expression: ${(cause as Error).message}`);
  }
}

/** What is printed of a report's kernels. */
export function kernelsText(report: Report): string {
  const blocks = [machineLines(report.machine).join('\n')];
  if (report.roofline !== undefined) blocks.push(rooflineTable(report.roofline));
  blocks.push(kernelTable(report.kernels ?? []));
  return blocks.join('\n\n');
}

export function kernelTable(rows: readonly KernelRow[]): string {
  const body = rows.map((row) => [row.name, ...measuredCells(row)]);
  const notes = rows.flatMap((row) => (row.message === undefined ? [] : [`${row.name}: ${row.message}`]));
  const wrong = rows.filter((row) => row.status === 'wrong').length;
  if (wrong > 0)
    notes.push(`${wrong} of ${rows.length} kernels are WRONG: their results are off fp64 by more than allowed`);
  return [table(['kernel', ...MEASURED_HEAD], body), ...notes].join('\n');
}
