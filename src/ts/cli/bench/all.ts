import { Command } from 'commander';
import type { BenchEngine } from '../../bench/engine.js';
import type { Report } from '../../bench/schema.js';
import type { CommandContext } from '../ui/terminal.js';
import { addCommonOptions, addRunsOption, type CommonOptions, withEngine } from './common.js';
import { measureFor } from './e2e.js';
import { endToEndBlocks } from './e2e-text.js';
import { addKernels, kernelsText } from './kernels.js';
import { addModelOptions, type ModelCommandOptions } from './model.js';
import { addSteps, stepsTable } from './step.js';

interface AllOptions extends CommonOptions, ModelCommandOptions {
  readonly runs: number;
}

/** `unclip bench all`: roofline, kernels, steps and whole pictures in one report. */
export function allCommand(context: CommandContext): Command {
  const command = addModelOptions(new Command('all').description('roofline, kernels, step and e2e in one report'));
  return addCommonOptions(addRunsOption(command)).action((options: AllOptions) =>
    withEngine(options, context, (engine) => measureAll(engine, options, context), allText),
  );
}

async function measureAll(engine: BenchEngine, options: AllOptions, context: CommandContext): Promise<void> {
  const { signal } = context;
  await addKernels(engine, { ...options, dtype: 'all', variant: 'all', size: 'auto' }, context);
  if (!signal.aborted) await addSteps(engine, options, context);
  if (signal.aborted) return;
  const pictures = { ...options, variants: 'default', pictures: 20, runs: 3, cold: 'yes' as const };
  engine.report.e2e = (await measureFor(pictures, context)).e2e;
}

function allText(report: Report): string {
  const blocks = [kernelsText(report)];
  if (report.steps !== undefined) blocks.push(stepsTable(report.steps));
  if (report.e2e !== undefined) blocks.push(...endToEndBlocks(report.e2e));
  return blocks.join('\n\n');
}
