import { join, relative } from 'node:path';
import type { ActivationDType } from '../graph/types.js';
import { Checkpoint } from '../pipelines/checkpoint.js';
import { Runtime, type RuntimeOptions } from '../runtime/runtime.js';
import { barsOf } from './bars.js';
import { checkClip, checkImageEncoder } from './clip.js';
import { Report, type Row } from './compare.js';
import type { DeviceContext } from './context.js';
import { checkDvae } from './dvae.js';
import { type Fixture, findFixtures, type Kind } from './fixtures.js';
import { checkNetworks } from './networks.js';
import { checkRng } from './rng.js';
import { checkRuns } from './runs.js';
import { checkSchedule } from './schedule.js';
import { checkTokenizer } from './tokenizer.js';

export interface ParityOptions extends RuntimeOptions {
  readonly dtype?: ActivationDType;
  /** Only these kinds. */
  readonly only?: readonly Kind[];
  readonly onRow?: (row: Row) => void;
}

export interface ParityResult {
  readonly rows: readonly Row[];
  /** Kinds found that nothing here checks yet, with their folders, and files that were left alone. */
  readonly unsupported: readonly { readonly kind: Kind; readonly what: string }[];
}

/** Kinds that {@link checkParity} can check. */
export const SUPPORTED: ReadonlySet<Kind> = new Set<Kind>([
  'unclip-t2i',
  'unclip-i2i',
  'clip',
  'dvae',
  'rng',
  'schedule',
  'tokenizer',
]);

/**
 * Holds the engine against every fixture of reference data at or below `root`.
 * @throws UnclipError when a fixture cannot be read or the device fails; a difference is a row that does not pass, not an error
 */
export async function checkParity(root: string, options: ParityOptions = {}): Promise<ParityResult> {
  const { dtype = 'f32', only, onRow = () => {}, ...runtimeOptions } = options;
  const fixtures = findFixtures(root).filter((f) => only === undefined || only.includes(f.kind));
  const rows: Row[] = [];
  const unsupported: { kind: Kind; what: string }[] = [];
  let runtime: Runtime | undefined;
  try {
    for (const fixture of fixtures) {
      const name = relative(root, fixture.folder) || fixture.kind;
      if (!SUPPORTED.has(fixture.kind)) {
        unsupported.push({ kind: fixture.kind, what: name });
        continue;
      }
      const report = new Report(name, onRow);
      const checkOnDevice = ON_DEVICE[fixture.kind];
      let left: readonly string[];
      if (checkOnDevice !== undefined) {
        runtime ??= await Runtime.open(runtimeOptions);
        left = await checkOnDevice(fixture.folder, { runtime, dtype, bars: barsOf(dtype, options.weights), report });
      } else {
        left = checkPure(fixture, report);
      }
      for (const what of left) unsupported.push({ kind: fixture.kind, what: join(name, what) });
      rows.push(...report.rows);
    }
  } finally {
    await runtime?.close();
  }
  return { rows, unsupported };
}

/** Networks and runs of a pipeline. */
async function checkPipeline(folder: string, how: DeviceContext): Promise<readonly string[]> {
  const model = Checkpoint.open(join(folder, 'model'));
  try {
    const context = { ...how, model };
    await checkNetworks(folder, context);
    await checkRuns(folder, context);
  } finally {
    model.close();
  }
  return [];
}

/** Kinds that need a device. Each returns what was left alone. */
const ON_DEVICE: Partial<Record<Kind, (folder: string, how: DeviceContext) => Promise<readonly string[]>>> = {
  'unclip-t2i': checkPipeline,
  'unclip-i2i': async (folder, how) => {
    await checkImageEncoder(folder, how);
    return checkPipeline(folder, how);
  },
  clip: async (folder, how) => {
    await checkClip(folder, how);
    return [];
  },
  dvae: async (folder, how) => {
    await checkDvae(folder, how);
    return [];
  },
};

/** Kinds that need no GPU. Returns what was left alone. */
function checkPure(fixture: Fixture, report: Report): string[] {
  if (fixture.kind === 'schedule') return checkSchedule(fixture.folder, report);
  if (fixture.kind === 'tokenizer') return checkTokenizer(fixture.folder, report);
  checkRng(fixture.folder, report);
  return [];
}
