import { Command } from 'commander';
import type { Report, Roofline } from '../../bench/schema.js';
import type { CommandContext } from '../ui/terminal.js';
import { formatTime, machineLines, spreadCell, table, threeDigits } from './cells.js';
import { addCommonOptions, addRoofline, addRunsOption, type CommonOptions, withEngine } from './common.js';

interface RooflineOptions extends CommonOptions {
  readonly runs: number;
}

/** `unclip bench roofline`: what this adapter can do at most. */
export function rooflineCommand(context: CommandContext): Command {
  const command = new Command('roofline').description("measure the adapter's peaks: arithmetic and memory");
  return addCommonOptions(addRunsOption(command)).action((options: RooflineOptions) =>
    withEngine(options, context, (engine) => addRoofline(engine, options.runs, options.quiet, context), rooflineText),
  );
}

const rooflineText = ({ machine, roofline }: Report): string =>
  [machineLines(machine).join('\n'), ...(roofline === undefined ? [] : [rooflineTable(roofline)])].join('\n\n');

export function rooflineTable({ compute, memory }: Roofline): string {
  const rows = [
    ...compute.map((p) => [p.name, `${threeDigits(p.value)} GFLOP/s`, formatTime(p.ms.median), spreadCell(p.ms)]),
    ...memory.map((p) => [
      `${p.name}${p.beyondCache ? ', beyond caches' : ''}`,
      `${threeDigits(p.value)} GB/s`,
      formatTime(p.ms.median),
      spreadCell(p.ms),
    ]),
  ];
  return table(['roof', 'measured', 'time', 'spread'], rows);
}
