import { existsSync, statSync } from 'node:fs';
import { relative } from 'node:path';
import { Command } from 'commander';
import type { AdapterChoice } from '../gpu/find-adapter.js';
import { WEIGHT_FORMATS, type WeightFormat } from '../graph/quantize.js';
import type { Row } from '../parity/compare.js';
import { findFixtures, KINDS, type Kind } from '../parity/fixtures.js';
import { checkParity } from '../parity/parity.js';
import { UnclipError } from '../util/errors.js';
import { ReportedFailure } from './failure.js';
import { ADAPTER_HELP, oneOf, someOf, WEIGHTS_HELP } from './options.js';
import { formatTable } from './ui/table.js';
import { type CommandContext, printJson, printLine } from './ui/terminal.js';

interface ParityCommandOptions {
  readonly dtype: 'f32' | 'f16';
  readonly weights: WeightFormat;
  readonly require?: readonly Kind[];
  readonly only?: readonly Kind[];
  readonly adapter?: AdapterChoice;
  readonly variants?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** `unclip parity`: holds the engine against stored results of the reference implementations. */
export function parityCommand(context: CommandContext): Command {
  return new Command('parity')
    .description('compare every network, step and run with stored reference data')
    .argument('<folder>', 'folder with reference data; every fixture below it is found')
    .option('--dtype <type>', 'storage of numbers: f32, f16', oneOf('--dtype', ['f32', 'f16']), 'f32')
    .option('--weights <format>', WEIGHTS_HELP, oneOf('--weights', WEIGHT_FORMATS), 'full')
    .option('--require <kinds>', `kinds that must be there and checked: ${KINDS.join(',')}`, someOf('--require', KINDS))
    .option('--only <kinds>', 'check these kinds alone', someOf('--only', KINDS))
    .option('--adapter <which>', ADAPTER_HELP)
    .option('--variants <name>', 'kernel variant to force, such as portable')
    .option('--json', 'print one JSON document')
    .option('--verbose', 'print every row as soon as it is checked, not as one table in the end')
    .action((folder: string, options: ParityCommandOptions) => parity(folder, options, context));
}

async function parity(
  folder: string,
  options: ParityCommandOptions,
  { stdout, stderr }: CommandContext,
): Promise<void> {
  if (!existsSync(folder) || !statSync(folder).isDirectory())
    throw new UnclipError('INPUT_INVALID', `there is no folder '${folder}'`);
  const { dtype, weights, only, adapter, variants } = options;
  const { rows, unsupported } = await checkParity(folder, {
    dtype,
    weights,
    only,
    adapter,
    variants,
    onRow: options.verbose ? (row) => printLine(stderr, cells(row).join('  ')) : undefined,
  });
  const failed = rows.filter((row) => !row.pass).length;
  const missing = missingKinds(folder, options.require ?? [], rows);
  const passed = rows.length - failed;
  const closing = `${passed} passed, ${failed + missing.length} failed, ${unsupported.length} not supported`;
  if (options.json) {
    printJson(stdout, { rows, unsupported, missing, passed, failed: failed + missing.length });
  } else {
    if (rows.length > 0) printLine(stdout, formatTable(HEAD, rows.map(cells), ALIGNMENTS));
    for (const { kind, what } of unsupported) printLine(stdout, `not supported: ${kind} (${what})`);
    for (const { kind, why } of missing) printLine(stdout, `required: ${kind} ${why}`);
    if (rows.length === 0) printLine(stdout, `nothing was checked: no supported reference data at or below ${folder}`);
    printLine(stdout, closing);
  }
  if (failed > 0 || missing.length > 0 || rows.length === 0) throw new ReportedFailure();
}

/** Kinds that had to be checked and were not: absent, or none of a fixture's tensors compared. */
function missingKinds(folder: string, required: readonly Kind[], rows: readonly Row[]): { kind: Kind; why: string }[] {
  if (required.length === 0) return [];
  const checked = new Set(rows.map((row) => row.fixture));
  const fixtures = findFixtures(folder);
  return required.flatMap((kind) => {
    const found = fixtures.filter((f) => f.kind === kind);
    if (found.length === 0) return [{ kind, why: 'was not found' }];
    const left = found.filter((f) => !checked.has(relative(folder, f.folder) || kind));
    return left.length === 0 ? [] : [{ kind, why: `was not checked (${left.map((f) => f.folder).join(', ')})` }];
  });
}

const HEAD = ['fixture', 'network', 'tensor', 'shape', 'relative L2', 'max-abs', 'tolerance', 'result'];
const ALIGNMENTS = ['left', 'left', 'left', 'left', 'right', 'right', 'left', 'left'] as const;

const cells = (row: Row): string[] => [
  row.fixture,
  row.network,
  row.tensor,
  row.shape.join('×'),
  row.relL2.toExponential(2),
  row.maxAbs.toExponential(2),
  row.tolerance,
  row.pass ? 'pass' : 'FAIL',
];
