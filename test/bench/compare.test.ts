import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changeOf, compareReports, incomparable, readReport } from '../../src/ts/bench/compare.js';
import { type KernelRow, type Report, reportSchema, SCHEMA } from '../../src/ts/bench/schema.js';
import { spread } from '../../src/ts/bench/statistics.js';
import { errorLine, unclip } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-bench-compare-'));

/** Times around `center`, ±`width` of it. */
const around = (center: number, width: number) =>
  spread(Array.from({ length: 21 }, (_, i) => center * (1 + (width * (i - 10)) / 10)));

const machine: Report['machine'] = {
  date: '2026-11-23T10:00:00.000Z',
  unclip: '0.1.0',
  kernels: '0123456789abcdef',
  cpu: 'a processor',
  cores: 8,
  memoryBytes: 2 ** 34,
  platform: 'linux-x64',
  loadAverage: 0,
  node: 'v20.0.0',
  dawn: '0.6.2',
  adapter: {
    ...{ name: 'adapter A', vendor: '', architecture: '', device: '', driver: '', software: false },
    ...{ features: [], subgroupSize: 32, matrixConfigs: [] },
  },
};

const kernel = (name: string, ms?: KernelRow['ms'], status: KernelRow['status'] = 'ok'): KernelRow => ({
  ...{ name, case: name, op: 'linear', dtype: 'f32', variant: 'portable', tuning: {}, dispatches: 1 },
  ...{ flops: 1e9, bytes: 1e6, intensity: 1000, status, ms },
});

const report = (kernels: KernelRow[], adapter = 'adapter A'): Report => ({
  schema: SCHEMA,
  machine: { ...machine, adapter: { ...machine.adapter, name: adapter } },
  interrupted: false,
  kernels,
});

const file = (name: string, content: unknown): string => {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};

describe('what changed', () => {
  it('is slower or faster only beyond 3 % and beyond the spreads of both runs', () => {
    const verdict = (a: [number, number], b: [number, number]) => changeOf('x', around(...a), around(...b)).verdict;
    expect(verdict([10, 0.01], [11, 0.01])).toBe('slower');
    expect(verdict([11, 0.01], [10, 0.01])).toBe('faster');
    expect(verdict([10, 0.001], [10.2, 0.001])).toBe('same');
    expect(verdict([10, 0.2], [11, 0.2])).toBe('same');
    expect(verdict([10, 0.2], [16, 0.2])).toBe('slower');
    expect(changeOf('x', around(10, 0), around(15, 0)).ratio).toBeCloseTo(1.5, 12);
  });

  it('lists slower ones first, then what broke, then what cannot be compared', () => {
    const before = report([
      kernel('a', around(10, 0)),
      kernel('b', around(10, 0)),
      kernel('c', around(10, 0)),
      kernel('d', around(10, 0)),
      kernel('gone', around(1, 0)),
    ]);
    const after = report([
      kernel('a', around(5, 0)),
      kernel('b', around(12, 0)),
      kernel('c', around(20, 0)),
      kernel('d', undefined, 'wrong'),
      kernel('new', around(1, 0)),
    ]);
    const { changes, broken, unmatched } = compareReports(before, after);
    expect(changes.map((c) => [c.name, c.verdict])).toEqual([
      ['c', 'slower'],
      ['b', 'slower'],
      ['a', 'faster'],
    ]);
    expect(broken).toEqual(['d']);
    expect([...unmatched].sort()).toEqual(['gone', 'new']);
  });

  it('says when adapters or models differ', () => {
    expect(incomparable(report([]), report([]))).toBeUndefined();
    expect(incomparable(report([]), report([], 'adapter B'))).toContain("'adapter A' and 'adapter B'");
    const steps = (batch: number): Report => ({
      ...report([]),
      steps: { model: 'm', dtype: 'f32', weights: 'full', batch, rows: [] },
    });
    expect(incomparable(steps(1), steps(4))).toContain('batch 1, the other of m, weights full, batch 4');
  });
});

describe('reports on disk', () => {
  it('are read back as they were written', () => {
    const written = report([kernel('a', around(1, 0.1))]);
    expect(reportSchema.parse(written)).toEqual(written);
    expect(readReport(file('good.json', written))).toEqual(written);
  });

  it.each([
    ['not there', join(folder, 'none.json'), 'cannot be read'],
    ['not JSON', file('text.json', 'hello'), 'not JSON'],
    ['something else', file('other.json', { name: 'unclip' }), 'schema'],
    ['of another version', file('old.json', { ...report([]), schema: 'unclip-bench/0' }), 'schema'],
    ['with a negative time', file('bad.json', report([kernel('a', { ...around(1, 0), median: -1 })])), 'kernels.0.ms'],
  ])('%s are refused', (_, path, reason) => {
    expect(() => readReport(path)).toThrow(
      expect.objectContaining({ code: 'INPUT_INVALID', message: expect.stringContaining(reason) }),
    );
  });
});

describe('unclip bench compare', () => {
  const fast = file('fast.json', report([kernel('a', around(10, 0.01))]));
  const slow = file('slow.json', report([kernel('a', around(12, 0.01))]));
  const other = file('elsewhere.json', report([kernel('a', around(12, 0.01))], 'adapter B'));

  it('ends with 1 when something got slower, with 0 otherwise', async () => {
    const worse = await unclip(['bench', 'compare', fast, slow]);
    expect([worse.code, worse.stderr]).toEqual([1, '']);
    expect(worse.stdout).toMatch(/^a .*20\.0 % +slower$/m);
    expect(worse.stdout).toContain('1 slower, 0 faster, 0 the same');
    const better = await unclip(['bench', 'compare', slow, fast]);
    expect([better.code, better.stdout.includes('0 slower, 1 faster')]).toEqual([0, true]);
    expect((await unclip(['bench', 'compare', fast, fast, '--all'])).stdout).toMatch(/^a .* same$/m);
  });

  it('refuses reports of different adapters unless forced', async () => {
    const refused = await unclip(['bench', 'compare', fast, other]);
    expect(refused.code).toBe(1);
    expect(errorLine(refused)).toEqual({ code: 'INPUT_INVALID', message: expect.stringContaining('--force') });
    expect((await unclip(['bench', 'compare', fast, other, '--force'])).stdout).toContain('1 slower');
  });

  it('prints JSON', async () => {
    const { stdout } = await unclip(['bench', 'compare', slow, fast, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ changes: [{ name: 'a', verdict: 'faster' }], broken: [] });
  });
});
