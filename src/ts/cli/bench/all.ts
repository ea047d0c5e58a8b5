import { Command } from 'commander';
import type { BenchEngine } from '../../bench/engine.js';
import type { Report } from '../../bench/schema.js';
import type { CommandContext } from '../ui/terminal.js';
import { addCommonOptions, addRunsOption, withEngine } from './common.js';
import { addPictureOptions, type EndToEndCommandOptions, measureFor } from './e2e.js';
import { endToEndBlocks } from './e2e-text.js';
import { addKernels, addSelectionOptions, type KernelOptions, kernelsText } from './kernels.js';
import { addModelOptions } from './model.js';
import { addSteps, stepsTable } from './step.js';

type AllOptions = Omit<KernelOptions, 'dtype'> & Omit<EndToEndCommandOptions, 'variants'>;

/** `unclip bench all`: roofline, kernels, steps and whole pictures in one report. */
export function allCommand(context: CommandContext): Command {
  const command = addModelOptions(new Command('all').description('roofline, kernels, step and e2e in one report'));
  return addCommonOptions(addPictureOptions(addRunsOption(addSelectionOptions(command)))).action(
    (options: AllOptions) => withEngine(options, context, (engine) => measureAll(engine, options, context), allText),
  );
}

/** Profiled drawings. */
const DRAWINGS = 3;

async function measureAll(engine: BenchEngine, options: AllOptions, context: CommandContext): Promise<void> {
  const { signal } = context;
  await addKernels(engine, { ...options, dtype: 'all' }, context);
  if (!signal.aborted) await addSteps(engine, options, context);
  if (signal.aborted) return;
  engine.report.e2e = (await measureFor({ ...options, variants: 'default', runs: DRAWINGS }, context)).e2e;
}

function allText(report: Report): string {
  const blocks = [kernelsText(report)];
  if (report.steps !== undefined) blocks.push(stepsTable(report.steps));
  if (report.e2e !== undefined) blocks.push(...endToEndBlocks(report.e2e));
  return blocks.join('\n\n');
}
