import { Command } from 'commander';
import { type Change, type Comparison, compareReports, incomparable, readReport } from '../../bench/compare.js';
import type { Spread } from '../../bench/schema.js';
import { UnclipError } from '../../util/errors.js';
import { ReportedFailure } from '../failure.js';
import { plural } from '../ui/format.js';
import { type CommandContext, printJson, printLine } from '../ui/terminal.js';
import { formatTime, table, threeDigits } from './cells.js';

interface CompareOptions {
  readonly force?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `unclip bench compare`: what got slower or faster beyond noise. Exit code 1 when something got slower or broke. */
export function compareCommand({ stdout }: CommandContext): Command {
  return new Command('compare')
    .description('say what got slower or faster from one JSON report to another; exit code 1 when something got slower')
    .argument('<before>', 'report that --json wrote')
    .argument('<after>', 'a later one')
    .option('--all', 'print what stayed the same as well')
    .option('--force', 'compare reports of different adapters')
    .option('--json', 'print one JSON document')
    .action((before: string, after: string, options: CompareOptions) => {
      const [a, b] = [readReport(before), readReport(after)];
      const reason = incomparable(a, b);
      if (reason !== undefined && !options.force)
        throw new UnclipError(
          'INPUT_INVALID',
          `${before} and ${after} do not compare: ${reason}; --force does it all the same`,
        );
      const comparison = compareReports(a, b);
      if (options.json) printJson(stdout, comparison);
      else printLine(stdout, asText(comparison, options.all ?? false));
      const slower = comparison.changes.some((c) => c.verdict === 'slower');
      if (slower || comparison.broken.length > 0) throw new ReportedFailure();
    });
}

/** The median, and what lies between the 10th and the 90th percentile. */
const withRange = (s: Spread): string => `${formatTime(s.median)} (${threeDigits(s.p10)} to ${threeDigits(s.p90)} ms)`;

function asText({ changes, broken, unmatched }: Comparison, all: boolean): string {
  const count = (verdict: Change['verdict']): number => changes.filter((c) => c.verdict === verdict).length;
  const shown = changes.filter((c) => all || c.verdict !== 'same');
  const rows = shown.map((c) => [
    ...[c.name, withRange(c.before), withRange(c.after), `${(100 * (c.ratio - 1)).toFixed(1)} %`, c.verdict],
  ]);
  const lines = rows.length === 0 ? [] : [table(['what', 'before', 'after', 'change', 'verdict'], rows), ''];
  for (const name of broken) lines.push(`${name}: wrong or not running now`);
  if (unmatched.length > 0) lines.push(`${plural(unmatched.length, 'figure')} in one report only`);
  lines.push(`${count('slower')} slower, ${count('faster')} faster, ${count('same')} the same`);
  return lines.join('\n');
}
