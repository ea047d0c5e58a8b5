import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GraphBuilder } from '../../src/ts/graph/builder.js';
import { compileGraph } from '../../src/ts/graph/compile.js';
import { OPS } from '../../src/ts/ops/registry.js';
import type { Choice, DeviceCaps } from '../../src/ts/ops/types.js';
import { essence, kernelSourceHash, kernelSources } from '../../src/ts/tune/kernel-sources.js';
import { shapeClass } from '../../src/ts/tune/shape-class.js';
import { fileName, type TuningKey, TuningTable } from '../../src/ts/tune/tuning-table.js';

/** A CPU driver: both kernels of linear run there, the one for CPUs is preferred. */
const CAPS: DeviceCaps = {
  subgroupSize: 8,
  subgroups: true,
  subgroupMaxSize: 8,
  matrixConfigs: [],
  f16: true,
  software: true,
  maxBindingBytes: 2 ** 27,
  maxWorkgroupBytes: 32768,
  maxInvocations: 1024,
};

const KEY: TuningKey = { vendor: 'v', architecture: 'a', device: 'd', driver: 'Driver 1.2', dawn: '0.6.2' };

let folder: string;
const open = (key = KEY, shippedFolder = join(folder, 'none')): TuningTable =>
  TuningTable.open(key, { folder: join(folder, 'cache'), shippedFolder });
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'unclip-tuning-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const compile = (table: TuningTable, batch = 1) => {
  const g = new GraphBuilder('test', { dtype: 'f32' });
  g.output('y', g.linear(g.input('x', [batch, 40, 64]), g.linearWeight(64, [32], ['w']), null, 32));
  return compileGraph(g.build(), CAPS, { choose: (record, call) => table.choose(record, call, CAPS) }).nodes[0]!;
};

const {
  record,
  call,
  variant: PREFERRED,
} = compile(TuningTable.open(KEY, { folder: '/none', shippedFolder: '/none' }));
const SHAPE = shapeClass('linear', call);
const portable = record.variants.find((v) => v.name === 'portable')!;
const PORTABLE: Choice = { variant: 'portable', tuning: portable.tunings?.(call, CAPS).at(-1) ?? {} };
const measured = (choice: Choice) => ({
  choice,
  ms: 1,
  heuristic: { variant: PREFERRED, tuning: {} },
  heuristicMs: 2,
  untried: 0,
});

describe('TuningTable', () => {
  it('leaves the choice to the heuristic where nothing was measured', () => {
    expect(open().size).toBe(0);
    expect(PREFERRED).not.toBe('portable');
    expect(compile(open()).variant).toBe(PREFERRED);
  });

  it('keeps choices on disk, used by compileGraph at every batch', async () => {
    const table = open();
    table.set('linear', SHAPE, measured(PORTABLE));
    expect(compile(table).variant).toBe('portable');
    await table.save();
    expect(readdirSync(join(folder, 'cache'))).toEqual([fileName(KEY)]);
    for (const batch of [1, 2, 7]) {
      const { variant, tuning } = compile(open(), batch);
      expect({ variant, tuning }).toEqual(PORTABLE);
    }
  });

  it('is of one chip, driver and Dawn', async () => {
    const table = open();
    table.set('linear', SHAPE, measured(PORTABLE));
    await table.save();
    for (const field of Object.keys(KEY) as (keyof TuningKey)[]) {
      const other = { ...KEY, [field]: 'another' };
      expect(fileName(other)).not.toBe(fileName(KEY));
      expect(open(other).size, field).toBe(0);
      // A file that was renamed is still of the adapter that it says.
      const foreign = readFileSync(table.path);
      writeFileSync(join(folder, 'cache', fileName(other)), foreign);
      expect(open(other).size, field).toBe(0);
    }
  });

  it('takes no notice of entries whose kernels have changed', async () => {
    const table = open();
    table.set('linear', SHAPE, measured(PORTABLE));
    await table.save();
    const text = readFileSync(table.path, 'utf8');
    const hash = kernelSourceHash('linear')!;
    expect(text).toContain(hash);
    writeFileSync(table.path, text.replace(hash, '0123456789abcdef'));
    expect(open().size).toBe(1);
    expect(open().entry('linear', SHAPE)).toBeUndefined();
    expect(compile(open()).variant).toBe(PREFERRED);
  });

  it('takes no notice of choices that no kernel offers', () => {
    const choices: Choice[] = [
      { variant: 'gone', tuning: {} },
      { variant: 'portable', tuning: { BM: 7 } },
      { variant: 'matrix', tuning: {} },
      { variant: '__proto__', tuning: {} },
    ];
    for (const choice of choices) {
      const table = open();
      table.set('linear', SHAPE, measured(choice));
      expect(compile(table).variant, choice.variant).toBe(PREFERRED);
    }
  });

  it('survives damaged files and foreign ones, and writes over them', async () => {
    const table = open();
    table.set('linear', SHAPE, measured(PORTABLE));
    await table.save();
    const good = readFileSync(table.path, 'utf8');
    const bad = [
      '',
      '{',
      'null',
      '[]',
      good.slice(0, good.length / 2),
      good.replace('unclip-tuning/1', 'unclip-tuning/0'),
      good.replace('"variant":"portable"', '"variant":7'),
      good.replace('"ms":1', '"ms":null'),
      '\0\xff'.repeat(1000),
    ];
    for (const text of bad) {
      writeFileSync(table.path, text);
      expect(open().size, text.slice(0, 40)).toBe(0);
      expect(compile(open()).variant).toBe(PREFERRED);
    }
    const again = open();
    again.set('linear', SHAPE, measured(PORTABLE));
    await again.save();
    expect(readFileSync(table.path, 'utf8')).toBe(good);
  });

  it('keeps what another process measured meanwhile', async () => {
    const [one, two] = [open(), open()];
    one.set('linear', SHAPE, measured(PORTABLE));
    two.set('linear', 'linear of another shape', measured(PORTABLE));
    await one.save();
    await two.save();
    expect(open().size).toBe(2);
    expect(compile(open()).variant).toBe('portable');
  });

  it('takes what came with the package, and what was measured here over it', async () => {
    const shipped = join(folder, 'shipped');
    const origin = TuningTable.open(KEY, { folder: shipped, shippedFolder: join(folder, 'none') });
    origin.set('linear', SHAPE, measured(PORTABLE));
    await origin.save();
    expect(compile(open(KEY, shipped)).variant).toBe('portable');
    expect(open({ ...KEY, driver: 'Driver 1.3' }, shipped).size).toBe(0);
    const own = open(KEY, shipped);
    own.set('linear', SHAPE, measured({ variant: PREFERRED, tuning: compile(open()).tuning }));
    await own.save();
    expect(compile(open(KEY, shipped)).variant).toBe(PREFERRED);
  });

  it('says where it cannot write', async () => {
    writeFileSync(join(folder, 'file'), '');
    const table = TuningTable.open(KEY, { folder: join(folder, 'file', 'tuning') });
    table.set('linear', SHAPE, measured(PORTABLE));
    await expect(table.save()).rejects.toMatchObject({ code: 'IO_FAILED' });
  });
});

describe('kernel source hash', () => {
  it('tells families apart and knows every op', () => {
    const hashes = ['linear', 'conv2d', 'attention', 'groupNorm', 'layerNorm'].map((op) => kernelSourceHash(op));
    expect(new Set(hashes).size).toBe(hashes.length);
    for (const { name } of OPS) expect(kernelSourceHash(name), name).toMatch(/^[0-9a-f]{16}$/);
    expect(kernelSourceHash('no such op')).toBeUndefined();
  });

  it('covers the record, what it imports, its family of shaders and what those import', () => {
    const names = [...kernelSources('conv2d').keys()];
    for (const name of ['conv/conv2d.ts', 'conv/conv-portable.ts', 'lowering.ts', 'conv/conv2d-cpu.wgsl'])
      expect(names).toContain(name);
    const imported = [...readFileSync('shaders/conv/conv2d-cpu.wgsl', 'utf8').matchAll(/^\/\/#import (\S+)/gm)];
    expect(imported.length).toBeGreaterThan(0);
    for (const [, name] of imported) expect(names).toContain(`${name}.wgsl`);
    expect(names.filter((name) => name.startsWith('attention/'))).toEqual([]);
  });

  it('counts code and switches, not comments', () => {
    const shader = '// why\n//#if F16\n  let a = 1;\n*p = 2;\n//#endif\n';
    expect(essence(shader, true)).toBe('//#if F16\nlet a = 1;\n*p = 2;\n//#endif');
    expect(essence('/** doc\n * more\n */\n  // why\nlet a = 1;\n', false)).toBe('let a = 1;');
  });
});
