import { Command } from 'commander';
import type { BenchEngine } from '../../bench/engine.js';
import { modelGraphs } from '../../bench/model.js';
import type { Report, StepsReport } from '../../bench/schema.js';
import { measureSteps } from '../../bench/steps.js';
import type { CommandContext } from '../ui/terminal.js';
import { formatTime, machineLines, settingText, spreadCell, table, threeDigits } from './cells.js';
import { addCommonOptions, addRunsOption, type CommonOptions, withEngine } from './common.js';
import { addModelOptions, type ModelCommandOptions, modelOptions } from './model.js';
import { benchProgress } from './progress.js';

export interface StepCommandOptions extends CommonOptions, ModelCommandOptions {
  readonly runs: number;
}

/** `unclip bench step`: one replay of each program of a model. */
export function stepCommand(context: CommandContext): Command {
  const command = addModelOptions(new Command('step').description("time one step of each of a model's networks"));
  return addCommonOptions(addRunsOption(command)).action((options: StepCommandOptions) =>
    withEngine(options, context, (engine) => addSteps(engine, options, context), stepsText),
  );
}

/** Measures each program of the model into the report. */
export async function addSteps(
  { runtime, report }: BenchEngine,
  options: StepCommandOptions,
  { stderr, signal }: CommandContext,
): Promise<void> {
  const { dtype, graphs } = modelGraphs(modelOptions(options), runtime);
  const progress = benchProgress(stderr, graphs.length, options.quiet ?? false);
  const { runs } = options;
  try {
    const measure = { runs, signal, begin: progress.begin };
    await measureSteps(runtime, graphs, { ...modelOptions(options), dtype }, measure, (steps, row) => {
      report.steps = steps;
      progress.done(`${row.program}: ${formatTime((row.gpuMs ?? row.wallMs).median)}`);
    });
  } finally {
    progress.stop();
  }
}

const stepsText = ({ machine, steps }: Report): string =>
  [machineLines(machine).join('\n'), ...(steps === undefined ? [] : [stepsTable(steps)])].join('\n\n');

export function stepsTable(steps: StepsReport): string {
  const head = [
    'program',
    'runs',
    'dispatches',
    'GPU',
    'spread',
    'wall',
    'encode us',
    'submit us',
    'GFLOP',
    'GFLOP/s',
    'GB/s',
  ];
  const body = steps.rows.map((row) => [
    ...[row.program, String(row.runsPerBatch), String(row.dispatches)],
    ...[row.gpuMs === undefined ? '-' : formatTime(row.gpuMs.median), spreadCell(row.gpuMs)],
    ...[formatTime(row.wallMs.median), row.encodeUs.toFixed(0), row.submitUs.toFixed(0)],
    ...[(row.flops / 1e9).toFixed(3), threeDigits(row.gflops), threeDigits(row.gbs)],
  ]);
  return `model     ${settingText(steps)}; runs: for a batch of pictures\n\n${table(head, body)}`;
}
