import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findOp } from '../../src/ts/ops/registry.js';
import { fileName, TuningTable } from '../../src/ts/tune/tuning-table.js';
import { packageRoot } from '../../src/ts/util/package-root.js';

const FOLDER = join(packageRoot(), 'tuned');
const files = existsSync(FOLDER) ? readdirSync(FOLDER) : [];

describe('tables that come with the package', () => {
  it.each(files)('%s is read, and names kernels that there are', (name) => {
    const { key, entries } = JSON.parse(readFileSync(join(FOLDER, name), 'utf8'));
    expect(name).toBe(fileName(key));
    const empty = mkdtempSync(join(tmpdir(), 'unclip-shipped-'));
    const table = TuningTable.open(key, { folder: empty });
    rmSync(empty, { recursive: true });
    expect(table.size).toBe(Object.keys(entries).length);
    expect(table.size).toBeGreaterThan(0);
    for (const [shape, { choice, heuristic, ms, heuristicMs }] of Object.entries(entries) as [string, Entry][]) {
      const variants = findOp(shape.split(' ')[0]!).variants.map((v) => v.name);
      expect(variants).toContain(choice.variant);
      expect(variants).toContain(heuristic.variant);
      expect(ms).toBeLessThanOrEqual(heuristicMs);
    }
  });
});

interface Entry {
  readonly choice: { readonly variant: string };
  readonly heuristic: { readonly variant: string };
  readonly ms: number;
  readonly heuristicMs: number;
}
