import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/ts/util/package-root.js';
import { unclip } from '../support/cli.js';
import { makeTinyModel } from '../support/tiny-model.js';
import { DEFAULTS } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-serve-cli-'));
const model = join(folder, 'model');

beforeAll(async () => {
  makeTinyModel(model, { info: { name: 'tiny', defaults: DEFAULTS } });
  const step = new URL('../../scripts/steps/typescript.mjs', import.meta.url).href;
  await ((await import(step)) as { typescript(): Promise<string> }).typescript();
}, 400_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Running {
  readonly child: ChildProcess;
  readonly url: string;
  readonly text: { stdout: string; stderr: string };
  readonly closed: Promise<number | null>;
}

/** `unclip serve` in a process of its own, once it listens. */
async function start(...more: string[]): Promise<Running> {
  const args = ['serve', '--model', model, '--port', '0', ...more];
  const child = spawn(process.execPath, [join(packageRoot(), 'dist/cli/main.js'), ...args], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  const closed = new Promise<number | null>((resolve) => child.on('close', resolve));
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text.stdout += chunk;
  });
  const url = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text.stderr += chunk;
      const [, address] = /serving tiny at (\S+)\/v1 on /.exec(text.stderr) ?? [];
      if (address !== undefined) resolve(address);
    });
    void closed.then((code) => reject(new Error(`ended with ${code}: ${text.stderr}`)));
  });
  return { child, url, text, closed };
}

describe('unclip serve', () => {
  it('serves until SIGTERM, lets what is under way finish, checkpoints the rest, and ends with 0', async () => {
    const { child, url, text, closed } = await start('--drain-limit', '0.5', '--max-steps', '1000');
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });
    expect((await client.images.generate({ prompt: 'a ball' })).data).toHaveLength(1);
    const long = client.images
      .generate({ prompt: 'a long way', ...{ num_inference_steps: 1000, prior_num_inference_steps: 1000, seed: 4 } })
      .catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 300));
    child.kill('SIGTERM');
    expect(await closed).toBe(0);
    expect(await long).toMatchObject({ status: 503, code: 'shutting_down' });
    expect(text.stderr).toMatch(
      /1 request could not be finished; unclip batch unclip-unfinished-.*\.jsonl draws them\n$/,
    );
    const file = readdirSync(folder).find((name) => name.startsWith('unclip-unfinished'))!;
    expect(JSON.parse(readFileSync(join(folder, file), 'utf8'))).toMatchObject({ prompt: 'a long way', seed: 4 });
    for (const line of text.stdout.trim().split('\n')) expect(JSON.parse(line)).toHaveProperty('level');
  });

  it('refuses strangers, and tells what is wrong with its options', async () => {
    const refused = await unclip(['serve', '--model', model, '--host', '0.0.0.0']);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('give API keys')]);
    const keys = await unclip(['serve', '--model', model, '--api-keys', join(folder, 'none')]);
    expect([keys.code, keys.stderr]).toEqual([1, expect.stringContaining('IO_FAILED: cannot read')]);
    expect((await unclip(['serve', '--port', '70000'])).code).toBe(2);
  });

  it('makes keys whose hashes it reads', async () => {
    const file = join(folder, 'keys.jsonl');
    const made = await unclip(['api-key', file, '--name', 'ann']);
    expect(made).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sk-unclip-[\w-]{43}\n$/) });
    expect(readFileSync(file, 'utf8')).toMatch(/^\{"name":"ann","sha256":"[0-9a-f]{64}"\}\n$/);
  });
});
