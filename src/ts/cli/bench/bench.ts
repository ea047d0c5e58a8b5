import { Command } from 'commander';
import type { CommandContext } from '../ui/terminal.js';
import { allCommand } from './all.js';
import { compareCommand } from './compare.js';
import { endToEndCommand } from './e2e.js';
import { kernelsCommand } from './kernels.js';
import { rooflineCommand } from './roofline.js';
import { shapesCommand } from './shapes.js';
import { stepCommand } from './step.js';

/** `unclip bench`: measurements, one sub-command each. */
export function benchCommand(context: CommandContext): Command {
  const command = new Command('bench').description('measure kernels, networks and whole pictures on this machine');
  for (const make of [
    allCommand,
    kernelsCommand,
    shapesCommand,
    stepCommand,
    endToEndCommand,
    rooflineCommand,
    compareCommand,
  ])
    command.addCommand(make(context));
  return command;
}
