import { Command } from 'commander';
import type { BenchEngine } from '../../bench/engine.js';
import { checkVariant } from '../../bench/kernels.js';
import { modelGraphs } from '../../bench/model.js';
import type { Report, ShapesReport } from '../../bench/schema.js';
import { measureShapes, planShapes } from '../../bench/shapes.js';
import { wholeNumber } from '../options.js';
import type { CommandContext } from '../ui/terminal.js';
import { formatTime, MEASURED_HEAD, machineLines, measuredCells, resultLine, settingText, table } from './cells.js';
import { addCommonOptions, addRoofline, addRunsOption, type CommonOptions, withEngine } from './common.js';
import { addModelOptions, type ModelCommandOptions, modelOptions } from './model.js';
import { benchProgress } from './progress.js';

interface ShapesOptions extends CommonOptions, ModelCommandOptions {
  readonly variant?: string;
  readonly runs: number;
  readonly top: number;
}

/** `unclip bench shapes`: where a model's time goes, shape by shape. */
export function shapesCommand(context: CommandContext): Command {
  const command = addModelOptions(new Command('shapes').description("time each distinct shape of a model's graphs"))
    .option('--variant <names>', "variants to compare with the engine's choice: names with commas between, or 'all'")
    .option('--top <n>', 'rows to print; the files hold all', wholeNumber('--top', 1, 100_000), 40);
  return addCommonOptions(addRunsOption(command)).action((options: ShapesOptions) =>
    withEngine(
      options,
      context,
      (engine) => addShapes(engine, options, context),
      (report) => shapesText(report, options.top),
    ),
  );
}

async function addShapes(engine: BenchEngine, options: ShapesOptions, context: CommandContext): Promise<void> {
  const { runtime, report } = engine;
  const compare = options.variant?.split(',').map((name) => name.trim()) ?? [];
  for (const name of compare) checkVariant(name);
  const { dtype, graphs } = modelGraphs(modelOptions(options), runtime);
  const jobs = planShapes(graphs, runtime, compare);
  await addRoofline(engine, options.runs, options.quiet, context);
  const progress = benchProgress(context.stderr, jobs.length, options.quiet ?? false);
  const { signal } = context;
  const measure = { runs: options.runs, roofline: report.roofline, signal, begin: progress.begin };
  try {
    await measureShapes(engine, jobs, { ...modelOptions(options), dtype }, measure, (shapes, row) => {
      report.shapes = shapes;
      progress.done(`${row.name}: ${resultLine(row)}`);
    });
  } finally {
    progress.stop();
  }
}

const percent = (share: number | undefined): string => (share === undefined ? '-' : `${(100 * share).toFixed(1)} %`);

function shapesText({ machine, shapes }: Report, top: number): string {
  const blocks = [machineLines(machine).join('\n')];
  if (shapes !== undefined) blocks.push(shapesTable(shapes, top));
  return blocks.join('\n\n');
}

function shapesTable(shapes: ShapesReport, top: number): string {
  const compared = [...new Set(shapes.rows.flatMap((row) => row.others.map((o) => o.variant)))];
  const head = [
    'op/operands/attributes',
    'variant',
    'calls',
    'ms/picture',
    'share',
    'sum',
    ...MEASURED_HEAD,
    ...compared,
  ];
  const shown = shapes.rows.slice(0, top);
  const rows = shown.map((row) => [
    ...[row.name, row.variant, String(row.callsPerBatch), row.msPerPicture?.toFixed(2) ?? '-'],
    ...[percent(row.share), percent(row.cumulative), ...measuredCells(row)],
    ...compared.map((variant) => {
      const other = row.others.find((o) => o.variant === variant);
      return other === undefined ? '' : other.ms === undefined ? other.status : formatTime(other.ms.median);
    }),
  ]);
  const rest = shapes.rows.length - shown.length;
  return [
    `model     ${settingText(shapes)}: ${shapes.rows.length} shapes, ${formatTime(shapes.msPerPicture)} of GPU time a picture`,
    '',
    table(head, rows),
    ...(rest > 0 ? [`and ${rest} more; --top shows them`] : []),
    ...shapes.rows.flatMap((row) => (row.message === undefined ? [] : [`${row.name}: ${row.message}`])),
  ].join('\n');
}
