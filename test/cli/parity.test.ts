import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorLine, unclip } from '../support/cli.js';

const FIXTURES = join('test', 'fixtures');
const folder = mkdtempSync(join(tmpdir(), 'unclip-cli-parity-'));

// Kinds that need no adapter: fast, and the rest has tests of its own.
beforeAll(() => {
  for (const kind of ['rng', 'schedule']) cpSync(join(FIXTURES, kind), join(folder, 'good', kind), { recursive: true });
  // What a DALL·E mini fixture looks like from outside: of a kind that nothing checks yet.
  mkdirSync(join(folder, 'good', 'seen', 'dalle_bart'), { recursive: true });
  writeFileSync(join(folder, 'good', 'seen', 'golden.safetensors'), '');
  // The same numbers, one of them changed.
  cpSync(join(FIXTURES, 'rng'), join(folder, 'bad'), { recursive: true });
  const path = join(folder, 'bad', 'torch_cpu_randn.safetensors');
  const bytes = readFileSync(path);
  const header = Number(bytes.readBigUInt64LE(0));
  const table = JSON.parse(bytes.toString('utf8', 8, 8 + header)) as Record<string, { data_offsets: [number, number] }>;
  const name = Object.keys(table).find((key) => key.startsWith('randn.seed'))!;
  bytes.writeFloatLE(123, 8 + header + table[name]!.data_offsets[0]);
  writeFileSync(path, bytes);
});

describe('parity', () => {
  it('prints a row a tensor, unsupported kinds apart, and a closing line', async () => {
    const { code, stdout } = await unclip(['parity', join(folder, 'good')]);
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^fixture +network +tensor +shape +relative L2 +max-abs +tolerance +result$/);
    const rows = lines.filter((line) => line.endsWith('  pass')).length;
    expect(rows).toBeGreaterThan(5);
    const unsupported = lines.filter((line) => line.startsWith('not supported: ')).length;
    expect(stdout).toContain('not supported: min-dalle (seen)');
    expect(lines.at(-1)).toBe(`${rows} passed, 0 failed, ${unsupported} not supported`);
  });

  it('fails when a row fails', async () => {
    const { code, stdout } = await unclip(['parity', join(folder, 'bad'), '--json']);
    expect(code).toBe(1);
    const report = JSON.parse(stdout);
    expect(report.failed).toBe(1);
    expect(report.rows.filter((row: { pass: boolean }) => !row.pass)).toHaveLength(1);
  });

  it('fails when a required kind is absent or not supported', async () => {
    const good = ['parity', join(folder, 'good'), '--only', 'rng,schedule,min-dalle'];
    expect((await unclip([...good, '--require', 'rng,schedule'])).code).toBe(0);
    const absent = await unclip([...good, '--require', 'dvae']);
    expect(absent.code).toBe(1);
    expect(absent.stdout).toContain('required: dvae was not found');
    const unsupported = await unclip([...good, '--require', 'min-dalle']);
    expect(unsupported.code).toBe(1);
    expect(unsupported.stdout).toMatch(
      /required: min-dalle was not checked .*\n\d+ passed, 1 failed, \d+ not supported\n$/,
    );
  });

  it('fails when nothing was checked', async () => {
    mkdirSync(join(folder, 'empty'));
    const { code, stdout } = await unclip(['parity', join(folder, 'empty')]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/nothing was checked.*\n0 passed, 0 failed, 0 not supported\n$/);
    const none = await unclip(['parity', join(folder, 'none')]);
    expect(none.code).toBe(1);
    expect(errorLine(none).code).toBe('INPUT_INVALID');
  });

  it('prints rows as they come with --verbose', async () => {
    const { stderr } = await unclip(['parity', join(folder, 'bad'), '--verbose']);
    expect(stderr).toMatch(/ {2}FAIL\n/);
  });
});
