import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorLine, unclip } from '../support/cli.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-cli-inspect-'));
const model = join(folder, 'model');

beforeAll(() => makeTinyModel(model));

interface Graph {
  name: string;
  dispatches: number;
  flops: number;
  arenaBytes: number;
  lowerBoundBytes: number;
}
interface Network {
  component: string;
  parameters: number;
  weightBytes: number;
  arenaBytes: number;
  stateBytes: number;
  graphs: Graph[];
}

const inspectJson = async (...args: string[]) => {
  const { code, stdout } = await unclip(['inspect', model, '--json', ...args]);
  expect(code).toBe(0);
  return JSON.parse(stdout);
};

describe('inspect', () => {
  it('shows every network with its memory plan', async () => {
    const { code, stdout } = await unclip(['inspect', model]);
    expect(code).toBe(0);
    for (const text of ['UnCLIPPipeline', '32×32', 'lower bound', 'dispatches', 'shared arena'])
      expect(stdout).toContain(text);
    for (const name of ['text_encoder', 'prior', 'text_proj', 'decoder', 'super_res_first', 'super_res_last'])
      expect(stdout).toMatch(new RegExp(`^${name} +[\\d.]`, 'm'));
  });

  it('plans arenas near their lower bound, one for all networks', async () => {
    const report = await inspectJson('--dtype', 'f32');
    const networks = report.networks as Network[];
    for (const { graphs } of networks)
      for (const { arenaBytes, lowerBoundBytes } of graphs) {
        expect(arenaBytes).toBeGreaterThanOrEqual(lowerBoundBytes);
        expect(arenaBytes).toBeLessThanOrEqual(1.1 * lowerBoundBytes);
      }
    expect(report.arenaBytes).toBe(Math.max(...networks.map((n) => n.arenaBytes)));
    expect(report.totalBytes).toBe(report.weightBytes + report.arenaBytes + report.stateBytes);
    expect(report.leastBytes).toBeLessThan(report.totalBytes);
    expect(report.parameters).toBe(networks.reduce((sum, n) => sum + n.parameters, 0));
    expect(networks.every((n) => n.graphs.every((g) => g.dispatches > 0 && g.flops > 0))).toBe(true);
  });

  it('plans for the batch and for guidance', async () => {
    const one = await inspectJson('--dtype', 'f32');
    const four = await inspectJson('--dtype', 'f32', '--batch', '4');
    const alone = await inspectJson('--dtype', 'f32', '--no-guidance');
    const step = (report: { networks: Network[] }): Graph =>
      report.networks.find((n) => n.component === 'decoder')!.graphs.at(-1)!;
    expect(four.weightBytes).toBe(one.weightBytes);
    expect(step(four).dispatches).toBe(step(one).dispatches);
    expect(step(four).flops / step(one).flops).toBeCloseTo(4, 1);
    expect(step(one).flops / step(alone).flops).toBeCloseTo(2, 1);
  });

  it('says what makes a model fit into less memory', async () => {
    const { totalBytes, leastBytes, largestWeightBytes } = await inspectJson('--dtype', 'f32');
    expect((await unclip(['inspect', model, '--dtype', 'f32', '--memory', `${totalBytes}`])).code).toBe(0);
    const tight = await unclip(['inspect', model, '--dtype', 'f32', '--memory', `${leastBytes}`]);
    expect(tight.code).toBe(1);
    const { code, message } = errorLine({ ...tight, stdout: '' });
    expect(code).toBe('GPU_OUT_OF_MEMORY');
    expect(message).toMatch(/it fits with --dtype f16|it fits with --weight-budget/);
    if (message.includes('--weight-budget')) expect(message).toContain(`--weight-budget ${largestWeightBytes}`);
    const batch = ['inspect', model, '--dtype', 'f32', '--batch', '64', '--memory', `${totalBytes}`];
    expect(errorLine(await unclip(batch)).message).toContain('it fits with --batch-size 1');
    expect(errorLine(await unclip(['inspect', model, '--memory', '1KB'])).message).toContain('no setting makes it fit');
  });

  it('plans from the configs alone when asked', async () => {
    const bare = join(folder, 'bare');
    makeTinyModel(bare);
    rmSync(join(bare, 'decoder/diffusion_pytorch_model.safetensors'));
    expect(errorLine(await unclip(['inspect', bare])).code).toBe('MODEL_FILE_MISSING');
    expect((await unclip(['inspect', bare, '--configs-only'])).code).toBe(0);
  });
});
