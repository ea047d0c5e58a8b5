import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readReport } from '../../src/ts/bench/compare.js';
import { reportPage } from '../../src/ts/bench/html/page.js';
import { loadUnclipModel } from '../../src/ts/models/model-index.js';
import { graphRuns } from '../../src/ts/pipelines/graph-runs.js';
import { readModelInfo } from '../../src/ts/pipelines/model-info.js';
import { UnclipError } from '../../src/ts/util/errors.js';
import { errorLine, unclip } from '../support/cli.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-bench-'));
const model = join(folder, 'model');
const at = (name: string): string => join(folder, name);

beforeAll(() => makeTinyModel(model));

const QUICK = ['--runs', '3', '-q'];

describe('unclip bench kernels', () => {
  it('prints, and writes a report and a page', async () => {
    const files = ['--json', at('kernels.json'), '--html', at('kernels.html')];
    const pattern = '^(clamp|layernorm/81x128|linear/1x256x512)/.*f32/(cpu|portable)$';
    const { code, stdout, stderr } = await unclip(['bench', 'kernels', '-r', pattern, ...QUICK, ...files]);
    expect([code, stderr]).toEqual([0, '']);
    for (const line of [
      /^adapter {3}.+\(.+\)$/m,
      /^f32 FMA, 8 x vec4 +[\d.]+ GFLOP\/s/m,
      /^copy .+, beyond caches +[\d.]+ GB\/s/m,
    ])
      expect(stdout).toMatch(line);
    expect(stdout).toMatch(/^linear\/1x256x512\/f32\/portable +[\d.]+ [mu]s +\d+ % .* % (memory|f32) +\d\.\de-\d+$/m);
    const report = readReport(at('kernels.json'));
    expect(report.interrupted).toBe(false);
    expect(report.kernels!.map((row) => row.op)).toEqual(expect.arrayContaining(['clamp', 'layerNorm', 'linear']));
    for (const row of report.kernels!) {
      expect(row.name).toBe(`${row.case}/f32/${row.variant}`);
      expect([row.status, row.ms!.runs, row.intensity]).toEqual(['ok', 3, row.flops / row.bytes]);
      expect(row.roof!.percent).toBeGreaterThan(0);
    }
    expect(report.machine).toMatchObject({ node: process.version, dawn: expect.stringMatching(/^\d/) });
  });

  it('tells its progress a line a kernel where no terminal is', async () => {
    const { stderr } = await unclip(['bench', 'kernels', '-r', '^clamp/.*f32', '--runs', '3']);
    expect(stderr).toMatch(/^\[1\/1\] clamp\/1024x640\/f32\/portable: [\d.]+ [mu]s, [\d.]+ GFLOP\/s$/m);
  });

  it('after Ctrl-C prints and writes what was measured', async () => {
    const interrupt = new AbortController();
    const args = ['bench', 'kernels', '-r', '^(add|clamp|activation)/.*f32', '--runs', '3', '--json', at('part.json')];
    const { code, stdout } = await unclip(args, {
      signal: interrupt.signal,
      onStderr: (text) => {
        if (text.includes('[2/6] ')) interrupt.abort(new UnclipError('CANCELLED', 'interrupted'));
      },
    });
    expect(code).toBe(130);
    const { interrupted, kernels } = readReport(at('part.json'));
    expect(interrupted).toBe(true);
    expect(kernels!.length).toBeGreaterThan(0);
    expect(kernels!.length).toBeLessThan(6);
    expect(stdout).toContain(kernels![0]!.name);
  });

  it.each([
    ['a pattern that is none', ['kernels', '-r', '(['], 2, '-r is no regular expression'],
    ['a pattern of nothing', ['kernels', '-r', 'nothing at all'], 1, 'no kernel matches'],
    ['an unknown variant', ['kernels', '--variant', 'fastest'], 1, "there is no kernel variant 'fastest'"],
    ['an unknown dtype', ['kernels', '--dtype', 'f64'], 2, '--dtype'],
    ['too few runs', ['kernels', '--runs', '1'], 2, '--runs'],
    ['a folder that is not there', ['shapes', '--model', '/nowhere'], 1, '/nowhere'],
    ['an unknown variant to compare', ['shapes', '--variant', 'portable,fastest'], 1, 'fastest'],
    ['an unknown sub-command', ['kernel'], 2, 'kernel'],
  ])('refuses %s', async (_, args, code, message) => {
    const result = await unclip(['bench', ...args, '-q']);
    expect(result.code).toBe(code);
    expect(errorLine(result).message).toContain(message);
  });

  it('says so at once when a report cannot be written', async () => {
    const path = join(folder, 'none', 'report.json');
    const result = await unclip(['bench', 'kernels', '-r', '^clamp/.*f32', '--runs', '3', '--json', path]);
    expect(result.code).toBe(1);
    expect(errorLine(result)).toEqual({ code: 'IO_FAILED', message: expect.stringContaining(path) });
  });
});

describe('unclip bench of a model', () => {
  it('counts every call of a picture in its shapes', async () => {
    const args = ['shapes', '--model', model, ...QUICK, '--variant', 'portable', '--json', at('shapes.json')];
    const { code, stdout } = await unclip(['bench', ...args]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^op\/operands\/attributes .*portable$/m)]);
    const { shapes } = readReport(at('shapes.json'));
    const { rows } = shapes!;
    const { defaults } = readModelInfo(model);
    const graphs = graphRuns(loadUnclipModel(model), { batch: 1, guided: true, dtype: 'f32' }, defaults);
    // Each convolution of the graphs is one call after fusion.
    const convolutions = graphs.reduce(
      (sum, g) => sum + g.runs * g.graph.nodes.filter((n) => n.op === 'conv2d').length,
      0,
    );
    const measured = rows.filter((row) => row.op === 'conv2d').reduce((sum, row) => sum + row.callsPerBatch, 0);
    expect(measured).toBe(convolutions);
    expect(rows.reduce((sum, row) => sum + row.share!, 0)).toBeCloseTo(1, 9);
    expect(rows.at(-1)!.cumulative).toBeCloseTo(1, 9);
    expect(rows.map((row) => row.msPerPicture)).toEqual(rows.map((row) => row.msPerPicture).sort((a, b) => b! - a!));
    const conv = rows.find((row) => row.op === 'conv2d' && row.variant !== 'portable');
    if (conv !== undefined) expect(conv.others.map((o) => [o.variant, o.status])).toEqual([['portable', 'ok']]);
  });

  it('times a step of each network', async () => {
    const { code, stdout } = await unclip(['bench', 'step', '--model', model, ...QUICK, '--json', at('steps.json')]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^decoder\.step +25 /m)]);
    const { rows } = readReport(at('steps.json')).steps!;
    expect(new Set(rows.map((row) => row.program)).size).toBe(rows.length);
    for (const row of rows) expect(row.gflops).toBeCloseTo(row.flops / 1e6 / (row.gpuMs ?? row.wallMs).median, 6);
  });

  it('puts everything into one report', async () => {
    const few = ['-r', '^clamp/', '--pictures', '0', '--cold', 'no'];
    const { code, stdout } = await unclip([
      'bench',
      'all',
      '--model',
      model,
      ...few,
      ...QUICK,
      '--json',
      at('one.json'),
    ]);
    expect(code).toBe(0);
    for (const line of [
      /^roof .*measured/m,
      /^clamp\/1024x640\/f32\/portable /m,
      /^decoder\.step /m,
      /^bar .*verdict$/m,
    ])
      expect(stdout).toMatch(line);
    const { roofline, kernels, steps, e2e } = readReport(at('one.json'));
    expect([roofline, kernels, steps, e2e]).not.toContain(undefined);
  });

  it('draws whole pictures', async () => {
    const few = ['--pictures', '0', '--runs', '1', '--cold', 'no'];
    const { code, stdout } = await unclip(['bench', 'e2e', '--model', model, ...few, '-q', '--json', at('e2e.json')]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^arena <= 1\.1 x lower bound.* pass$/m)]);
    const { e2e } = readReport(at('e2e.json'));
    expect(e2e!.stages.map((s) => s.stage)).toEqual(['text', 'prior', 'decoder', 'superRes', 'pixels']);
    expect(e2e!.setting).toMatchObject({ model, variants: 'default', batch: 1 });
  });
});

describe('the page', () => {
  it('holds everything it needs, and whatever a report says', () => {
    const report = readReport(at('kernels.json'));
    const { steps } = readReport(at('steps.json'));
    const { shapes } = readReport(at('shapes.json'));
    const { e2e } = readReport(at('e2e.json'));
    const name = '</script><b>adapter</b>';
    const machine = { ...report.machine, adapter: { ...report.machine.adapter, name } };
    const page = reportPage({ ...report, machine, steps, shapes, e2e });
    writeFileSync(at('all.html'), page);
    expect(page).not.toMatch(/https?:|\/\/cdn|@import|<link|src=/i);
    expect(page).not.toMatch(/^\s*(import|export)\b/m);
    expect(page).not.toContain('{{');
    expect(page).not.toContain(name);
    const [, json] = /<script type="application\/json" id="report">(.*?)<\/script>/s.exec(page)!;
    expect(JSON.parse(json!)).toEqual({ ...report, machine, steps, shapes, e2e });
    expect(readFileSync(at('kernels.html'), 'utf8')).toContain('uPlot');
  });
});
