import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { dawnVersion } from '../gpu/dawn-version.js';
import type { AdapterDescription } from '../gpu/device.js';
import { unclipCacheFolder } from '../gpu/driver-env.js';
import type { Choice, DeviceCaps, OpCall, OpRecord } from '../ops/types.js';
import { UnclipError } from '../util/errors.js';
import { packageRoot } from '../util/package-root.js';
import { writeFileAtomic } from '../util/write-file.js';
import { isCandidate } from './candidates.js';
import { kernelSourceHash } from './kernel-sources.js';
import { shapeClass } from './shape-class.js';

const FORMAT = 'unclip-tuning/1';

const choiceSchema = z.strictObject({
  variant: z.string(),
  tuning: z.record(z.string(), z.number()),
});

const entrySchema = z.strictObject({
  /** What was fastest, and its time in milliseconds for one run. */
  choice: choiceSchema,
  ms: z.number().min(0),
  /** The same of the static heuristic's choice, measured side by side. */
  heuristic: choiceSchema,
  heuristicMs: z.number().min(0),
  /** Candidates that time did not suffice for. */
  untried: z.int().min(0),
  /** Of the op's kernels as they were measured: see kernelSourceHash. */
  sources: z.string(),
});

const keySchema = z.strictObject({
  vendor: z.string(),
  architecture: z.string(),
  device: z.string(),
  driver: z.string(),
  dawn: z.string(),
});

const fileSchema = z.strictObject({
  format: z.literal(FORMAT),
  key: keySchema,
  entries: z.record(z.string(), entrySchema),
});

/** On what was measured: another chip, driver or Dawn has a table of its own. */
export type TuningKey = z.infer<typeof keySchema>;

/** What was measured of one shape class. */
export type TuningEntry = z.infer<typeof entrySchema>;

export const tuningKey = ({ vendor, architecture, device, driver }: AdapterDescription): TuningKey => ({
  vendor,
  architecture,
  device,
  driver,
  dawn: dawnVersion(),
});

export interface TableOptions {
  /** Where this user's measurements are kept. Default: $UNCLIP_TUNING_DIR, else `tuning/` in unclip's cache folder. */
  readonly folder?: string;
  /** Where measurements lie that came with the package. Default: its `tuned/`. */
  readonly shippedFolder?: string;
}

/**
 * The measured choices for one adapter: those that came with the package, and over them those measured here. A file that cannot be
 * read, is damaged, or is of another adapter, driver or Dawn counts as absent; an entry whose kernels have changed since, likewise.
 */
export class TuningTable {
  readonly key: TuningKey;
  /** The file that {@link save} writes. */
  readonly path: string;
  readonly #entries = new Map<string, TuningEntry>();
  /** Measured by this process, not saved yet. */
  readonly #fresh = new Map<string, TuningEntry>();

  private constructor(key: TuningKey, path: string) {
    this.key = key;
    this.path = path;
  }

  static open(key: TuningKey, options: TableOptions = {}): TuningTable {
    const folder = options.folder ?? (process.env.UNCLIP_TUNING_DIR || join(unclipCacheFolder(), 'tuning'));
    const table = new TuningTable(key, join(folder, fileName(key)));
    const shipped = options.shippedFolder ?? join(packageRoot(), 'tuned');
    for (const name of listJson(shipped)) table.#merge(readEntries(join(shipped, name), key));
    table.#merge(readEntries(table.path, key));
    return table;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What was measured of a class with the kernels of today. */
  entry(op: string, shape: string): TuningEntry | undefined {
    const entry = this.#entries.get(shape);
    return entry !== undefined && entry.sources === kernelSourceHash(op) ? entry : undefined;
  }

  /** The fastest known way to carry out a call: `choose` of compileGraph. */
  choose(record: OpRecord, call: OpCall, caps: DeviceCaps): Choice | undefined {
    if (this.#entries.size === 0) return undefined;
    const choice = this.entry(record.name, shapeClass(record.name, call))?.choice;
    return choice !== undefined && isCandidate(choice, record, call, caps) ? choice : undefined;
  }

  set(op: string, shape: string, measured: Omit<TuningEntry, 'sources'>): void {
    const sources = kernelSourceHash(op);
    if (sources === undefined) return;
    const { ms, heuristicMs } = measured;
    const entry = { ...measured, ms: rounded(ms), heuristicMs: rounded(heuristicMs), sources };
    this.#entries.set(shape, entry);
    this.#fresh.set(shape, entry);
  }

  /**
   * Writes what this process measured into the user's file, beside what others wrote there in the meantime.
   * @throws UnclipError IO_NO_SPACE, IO_FAILED
   */
  async save(): Promise<void> {
    if (this.#fresh.size === 0) return;
    makeFolder(dirname(this.path));
    const entries = new Map([...readEntries(this.path, this.key), ...this.#fresh]);
    await writeFileAtomic(this.path, Buffer.from(tableText(this.key, entries)));
    this.#fresh.clear();
  }

  /** All that holds for the kernels of today as the text of a file, as the package ships it. */
  text(): string {
    const current = [...this.#entries].filter(([shape]) => this.entry(shape.split(' ', 1)[0]!, shape) !== undefined);
    return tableText(this.key, new Map(current));
  }

  #merge(entries: ReadonlyMap<string, TuningEntry>): void {
    for (const [shape, entry] of entries) this.#entries.set(shape, entry);
  }
}

/** To four digits: more are noise. */
const rounded = (ms: number): number => Number(ms.toPrecision(4));

/** One line an entry, in order, so that two tables can be compared by eye. */
function tableText(key: TuningKey, entries: ReadonlyMap<string, TuningEntry>): string {
  const lines = [...entries.keys()]
    .sort()
    .map((shape) => `    ${JSON.stringify(shape)}: ${JSON.stringify(entries.get(shape))}`);
  const head = `{\n  "format": ${JSON.stringify(FORMAT)},\n  "key": ${JSON.stringify(key)},\n  "entries": {\n`;
  return `${head}${lines.join(',\n')}\n  }\n}\n`;
}

/** Name of an adapter's file: readable, and of its own for each key. */
export function fileName({ vendor, architecture, device, driver, dawn }: TuningKey): string {
  const words = `${vendor}-${architecture || device}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const hash = createHash('sha256').update([vendor, architecture, device, driver, dawn].join('\0'));
  return `${words.slice(0, 60)}-${hash.digest('hex').slice(0, 12)}.json`;
}

function readEntries(path: string, key: TuningKey): Map<string, TuningEntry> {
  try {
    const { data } = fileSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (data === undefined || fileName(data.key) !== fileName(key)) return new Map();
    return new Map(Object.entries(data.entries));
  } catch {
    return new Map();
  }
}

function listJson(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.endsWith('.json'));
  } catch {
    return [];
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (cause) {
    throw new UnclipError('IO_FAILED', `cannot make the folder ${folder} for measured choices; set UNCLIP_TUNING_DIR`, {
      cause,
    });
  }
}
