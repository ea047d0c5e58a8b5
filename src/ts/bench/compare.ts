import { readFileSync } from 'node:fs';
import { UnclipError } from '../util/errors.js';
import { type Report, reportSchema, type Spread } from './schema.js';

/** Below this change of the median nothing is said, however small the spreads: two processes differ by so much. */
const LEAST_CHANGE = 0.03;

/** One figure that both reports have. */
export interface Change {
  readonly name: string;
  readonly before: Spread;
  readonly after: Spread;
  /** Median after / median before: above 1 is slower. */
  readonly ratio: number;
  readonly verdict: 'slower' | 'faster' | 'same';
}

export interface Comparison {
  /** Largest change first, slower ones before faster ones. */
  readonly changes: readonly Change[];
  /** Right before; wrong, or not running, after. */
  readonly broken: readonly string[];
  /** Only in one of the reports, or without a time in one. */
  readonly unmatched: readonly string[];
}

/**
 * Reads a report that `--json` wrote.
 * @throws UnclipError INPUT_INVALID: not there, not JSON, or not such a report
 */
export function readReport(path: string): Report {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof SyntaxError ? 'it is not JSON' : 'it cannot be read';
    throw new UnclipError('INPUT_INVALID', `${path} is no benchmark report: ${why}`, { cause });
  }
  const parsed = reportSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const where = issue.path.join('.') || 'top level';
  throw new UnclipError('INPUT_INVALID', `${path} is no benchmark report of this version: ${where}: ${issue.message}`);
}

/**
 * Two runs of one thing. Slower or faster: the medians differ by more than 3 %, and what lies between the 10th and the 90th
 * percentile of one run does not overlap that of the other.
 */
export function changeOf(name: string, before: Spread, after: Spread): Change {
  const ratio = after.median / before.median;
  const slower = ratio > 1 + LEAST_CHANGE && after.p10 > before.p90;
  const faster = 1 / ratio > 1 + LEAST_CHANGE && after.p90 < before.p10;
  return { name, before, after, ratio, verdict: slower ? 'slower' : faster ? 'faster' : 'same' };
}

interface Figure {
  readonly ms?: Spread;
  readonly broken: boolean;
}

/** Everything in a report that has a time, by a name that says what it is. */
function figures(r: Report): Map<string, Figure> {
  const all = new Map<string, Figure>();
  const isBroken = (status: string): boolean => status === 'wrong' || status === 'failed';
  for (const row of r.kernels ?? []) all.set(row.name, { ms: row.ms, broken: isBroken(row.status) });
  for (const row of r.shapes?.rows ?? [])
    all.set(`shape ${r.shapes!.dtype} ${row.name}`, { ms: row.ms, broken: isBroken(row.status) });
  for (const row of r.steps?.rows ?? [])
    all.set(`step ${r.steps!.dtype} ${row.program}`, { ms: row.gpuMs ?? row.wallMs, broken: false });
  for (const peak of [...(r.roofline?.compute ?? []), ...(r.roofline?.memory ?? [])])
    all.set(`roofline ${peak.name}`, { ms: peak.ms, broken: false });
  return all;
}

const RANK = { slower: 0, faster: 1, same: 2 };

/** What got slower or faster from `before` to `after`. Stages of whole pictures have no spread and are not compared. */
export function compareReports(before: Report, after: Report): Comparison {
  const [olds, news] = [figures(before), figures(after)];
  const changes: Change[] = [];
  const broken: string[] = [];
  const unmatched: string[] = [];
  for (const name of new Set([...olds.keys(), ...news.keys()])) {
    const [a, b] = [olds.get(name), news.get(name)];
    if (a?.ms !== undefined && b?.ms !== undefined) changes.push(changeOf(name, a.ms, b.ms));
    else if (b?.broken && !a?.broken) broken.push(name);
    else unmatched.push(name);
  }
  const size = (c: Change): number => Math.abs(Math.log(c.ratio));
  changes.sort((a, b) => RANK[a.verdict] - RANK[b.verdict] || size(b) - size(a));
  return { changes, broken, unmatched };
}

/** In what the conditions of two reports differ so that times cannot be compared; undefined when they do not. */
export function incomparable(before: Report, after: Report): string | undefined {
  const [a, b] = [before.machine.adapter, after.machine.adapter];
  if (a.name !== b.name) return `they were measured on '${a.name}' and '${b.name}'`;
  const settings = [before, after].map((r) => {
    const setting = r.steps ?? r.shapes;
    return setting && `${setting.model}, weights ${setting.weights}, batch ${setting.batch}`;
  });
  if (settings[0] !== undefined && settings[1] !== undefined && settings[0] !== settings[1])
    return `one is of ${settings[0]}, the other of ${settings[1]}`;
  return undefined;
}
