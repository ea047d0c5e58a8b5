import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { Checkpoint } from '../../src/ts/pipelines/checkpoint.js';
import { packageRoot } from '../../src/ts/util/package-root.js';

const root = mkdtempSync(join(tmpdir(), 'unclip-checkpoint-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const make = (...args: string[]) =>
  promisify(execFile)(process.execPath, [join(packageRoot(), 'bench/make-checkpoint'), ...args]);

describe('bench/make-checkpoint', () => {
  it('writes shards of a narrower Karlo that open like any checkpoint', async () => {
    const folder = join(root, 'narrow');
    const { stdout } = await make('karlo-v1-alpha', folder, '--scale', '1/8', '--shard-size', '0.01');
    expect(stdout).toMatch(/0\.11 GiB of f16 weights\n$/);
    expect(readdirSync(join(folder, 'prior')).filter((name) => name.endsWith('.safetensors'))).toHaveLength(4);

    // Opening checks every tensor's name and shape, and that there is no other.
    const checkpoint = Checkpoint.open(folder);
    try {
      const prior = checkpoint.weights('prior');
      const values = prior.read('transformer_blocks.3.ff.net.0.proj.weight');
      const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
      const variance = values.reduce((sum, v) => sum + v * v, 0) / values.length;
      // 256 inputs: a variance of 1/256.
      expect(Math.abs(mean)).toBeLessThan(1e-3);
      expect(variance * 256).toBeCloseTo(1, 1);
      expect(checkpoint.configs.decoder.block_out_channels).toEqual([40, 80, 120, 160]);
      expect(checkpoint.tokenizer.encode('a corgi playing a flame throwing trumpet').ids).toHaveLength(77);
    } finally {
      checkpoint.close();
    }
  }, 60_000);

  it('is the same for the same seed', async () => {
    const read = async (name: string, seed: string): Promise<Buffer> => {
      const folder = join(root, name);
      await make('karlo-v1-alpha', folder, '--scale', '1/8', '--seed', seed);
      return readFileSync(join(folder, 'text_proj/diffusion_pytorch_model.safetensors'));
    };
    const first = await read('a', '7');
    expect((await read('b', '7')).equals(first)).toBe(true);
    expect((await read('c', '8')).equals(first)).toBe(false);
  }, 60_000);

  it('refuses a folder that exists, and leaves nothing half-written', async () => {
    await expect(make('karlo-v1-alpha', root, '--scale', '1/8')).rejects.toThrow(/exists already/);
    await expect(make('karlo-v9', join(root, 'x'))).rejects.toThrow(/Allowed choices are karlo-v1-alpha/);
    await expect(make('karlo-v1-alpha', join(root, 'x'), '--scale', '1/3')).rejects.toThrow(
      /Allowed choices are 1, 1\/2/,
    );
    expect(existsSync(join(root, 'x'))).toBe(false);
    expect(readdirSync(root).filter((name) => name.startsWith('.'))).toEqual([]);
  });
});
