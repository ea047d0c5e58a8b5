import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { packageRoot } from '../util/package-root.js';
import { apiKeyCommand } from './api-key.js';
import { batchCommand } from './batch.js';
import { benchCommand } from './bench/bench.js';
import { blendCommand } from './blend.js';
import { doctorCommand } from './doctor.js';
import { editCommand } from './edit.js';
import { embedCommand } from './embed.js';
import { EXIT, reportFailure } from './failure.js';
import { generateCommand } from './generate.js';
import { inspectCommand } from './inspect.js';
import { parityCommand } from './parity.js';
import { rankCommand } from './rank.js';
import { reconstructCommand } from './reconstruct.js';
import { serveCommand } from './serve.js';
import { steerCommand } from './steer.js';
import { tuneCommand } from './tune.js';
import { type CommandContext, printLine } from './ui/terminal.js';
import { varyCommand } from './vary.js';
import { workerCommand } from './worker.js';

const version = (): string =>
  (JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as { version: string }).version;

/**
 * Runs a command line and returns the exit code: 0, 1 when something failed, 2 for a command line that cannot be meant so,
 * 130 when it was interrupted. Errors become one line on stderr; nothing is thrown.
 * @param args without the names of node and script
 */
export async function runCli(args: readonly string[], context: CommandContext): Promise<number> {
  const { stdout, stderr } = context;
  const program = new Command('unclip')
    .description('DALL·E 2 (unCLIP) on this machine: text in, picture out')
    .version(version(), '-V, --version');
  for (const make of [
    generateCommand,
    varyCommand,
    blendCommand,
    steerCommand,
    editCommand,
    batchCommand,
    workerCommand,
    rankCommand,
    embedCommand,
    reconstructCommand,
    serveCommand,
    apiKeyCommand,
    inspectCommand,
    doctorCommand,
    parityCommand,
    benchCommand,
    tuneCommand,
  ])
    program.addCommand(make(context));
  for (const command of withSubCommands(program))
    command.exitOverride().configureOutput({
      writeOut: (text) => stdout.write(text),
      // Its errors are thrown as well, and reported below in this program's own form.
      writeErr: () => {},
    });
  if (args.length === 0) {
    printLine(stderr, program.helpInformation().trimEnd());
    return EXIT.usage;
  }
  try {
    await program.parseAsync(args, { from: 'user' });
    return EXIT.ok;
  } catch (error) {
    return reportFailure(error, stderr);
  }
}

const withSubCommands = (command: Command): Command[] => [command, ...command.commands.flatMap(withSubCommands)];
