import { loadavg } from 'node:os';
import { Command } from 'commander';
import { measureEndToEnd } from '../../bench/e2e/end-to-end.js';
import { describeMachine } from '../../bench/machine.js';
import { SCHEMA } from '../../bench/schema.js';
import { modelFolder } from '../models.js';
import { oneOf, wholeNumber } from '../options.js';
import { type CommandContext, printLine } from '../ui/terminal.js';
import { addCommonOptions, type CommonOptions, checkTargets, publish } from './common.js';
import { endToEndText } from './e2e-text.js';
import { addModelOptions, type ModelCommandOptions } from './model.js';

export interface EndToEndCommandOptions extends CommonOptions, ModelCommandOptions {
  readonly variants: string;
  readonly pictures: number;
  readonly runs: number;
  readonly cold: 'yes' | 'no';
}

/** `unclip bench e2e`: whole pictures. */
export function endToEndCommand(context: CommandContext): Command {
  const command = addModelOptions(
    new Command('e2e').description('draw pictures: time, work and memory of every stage, held against bars'),
  )
    .option('--variants <name>', 'kernel variants to force, such as portable', 'default')
    .option('--runs <n>', 'profiled drawings', wholeNumber('--runs', 1, 1000), 3);
  return addCommonOptions(addPictureOptions(command)).action((options: EndToEndCommandOptions) =>
    endToEnd(options, context),
  );
}

/** What is drawn besides the profiled pictures. */
export const addPictureOptions = (command: Command): Command =>
  command
    .option(
      '--pictures <n>',
      'pictures in a row, to see whether memory grows',
      wholeNumber('--pictures', 0, 10_000),
      20,
    )
    .option('--cold <yes|no>', 'also start cold processes', oneOf('--cold', ['yes', 'no']), 'yes');

async function endToEnd(options: EndToEndCommandOptions, context: CommandContext): Promise<void> {
  checkTargets(options);
  const loadAverage = loadavg()[0]!;
  const { adapter, caps, e2e } = await measureFor(options, context);
  const machine = describeMachine(adapter, caps, loadAverage);
  await publish({ schema: SCHEMA, machine, interrupted: false, e2e }, options, context, endToEndText);
}

/** Measures whole pictures as the options say. */
export function measureFor(options: EndToEndCommandOptions, { stderr, signal }: CommandContext) {
  const { adapter = 'auto', quiet } = options;
  return measureEndToEnd({
    ...options,
    adapter,
    model: modelFolder(options.model),
    name: options.model,
    cold: options.cold === 'yes',
    signal,
    note: (text) => quiet || printLine(stderr, `${text} ...`),
  });
}
