import { Command } from 'commander';
import type { CommandContext } from '../ui/terminal.js';
import { kernelsCommand } from './kernels.js';
import { rooflineCommand } from './roofline.js';

/** `unclip bench`: measurements, one sub-command each. */
export function benchCommand(context: CommandContext): Command {
  const command = new Command('bench').description('measure kernels, networks and whole pictures on this machine');
  for (const make of [kernelsCommand, rooflineCommand]) command.addCommand(make(context));
  return command;
}
