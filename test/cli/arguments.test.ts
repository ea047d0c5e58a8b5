import { existsSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { errorLine, unclip } from '../support/cli.js';
import { makeTinyModel } from '../support/tiny-model.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-cli-arguments-'));
const model = join(folder, 'model');
const out = join(folder, 'out');

beforeAll(() => makeTinyModel(model));

describe('command line', () => {
  it('prints help and version on stdout', async () => {
    const help = await unclip(['--help']);
    expect(help.code).toBe(0);
    for (const name of ['generate', 'inspect', 'doctor', 'parity']) expect(help.stdout).toContain(name);
    expect(await unclip(['--version'])).toMatchObject({ code: 0, stdout: '0.1.0\n', stderr: '' });
    expect(await unclip(['generate', '--help'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('shows help on stderr when nothing was asked', async () => {
    const { code, stdout, stderr } = await unclip([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: unclip');
  });

  it.each([
    ['an unknown command', ['paint']],
    ['an unknown option', ['generate', 'x', '--nonsense']],
    ['a missing value', ['generate', 'x', '--seed']],
    ['no prompt', ['generate']],
    ['n = 0', ['generate', 'x', '-n', '0']],
    ['n = 1.5', ['generate', 'x', '-n', '1.5']],
    ['n = 10001', ['generate', 'x', '-n', '10001']],
    ['negative steps', ['generate', 'x', '--decoder-steps', '-3']],
    ['one step', ['generate', 'x', '--prior-steps', '1']],
    ['1001 steps', ['generate', 'x', '--sr-steps', '1001']],
    ['NaN guidance', ['generate', 'x', '--decoder-guidance', 'NaN']],
    ['infinite guidance', ['generate', 'x', '--prior-guidance', 'Infinity']],
    ['negative guidance', ['generate', 'x', '--prior-guidance', '-1']],
    ['negative seed', ['generate', 'x', '--seed', '-1']],
    ['seed 2^53', ['generate', 'x', '--seed', '9007199254740992']],
    ['a last seed of 2^53', ['generate', 'x', '-n', '2', '--seed', '9007199254740991']],
    ['an unknown dtype', ['generate', 'x', '--dtype', 'f8']],
    ['an unknown format', ['generate', 'x', '--format', 'bmp']],
    ['an unknown ending', ['generate', 'x', '--out', join(out, 'x.bmp')]],
    ['two formats', ['generate', 'x', '--out', join(out, 'x.png'), '--format', 'webp']],
    ['quality 0', ['generate', 'x', '--quality', '0']],
    ['batch size 0', ['generate', 'x', '--batch-size', '0']],
    ['a weight budget of words', ['generate', 'x', '--weight-budget', 'much']],
    ['an unknown kind', ['parity', folder, '--require', 'unclip-t2i,novel']],
    ['a parity of nothing', ['parity']],
  ])('refuses %s in one line, exit code 2', async (_, args) => {
    const given = args[0] === 'generate' ? [...args, '--model', model] : args;
    const result = await unclip(given);
    expect(result.code).toBe(2);
    expect(result.stdout).toBe('');
    expect(errorLine(result).code).toBe('INPUT_INVALID');
    expect(existsSync(out)).toBe(false);
  });

  it('names the option and the value that it refuses', async () => {
    const { message } = errorLine(await unclip(['generate', 'x', '--decoder-guidance', 'NaN']));
    expect(message).toBe("--decoder-guidance is 'NaN': give a number, 0 to 100");
  });
});

describe('generate, before anything is loaded', () => {
  it('refuses a prompt of over 10 MB', async () => {
    const result = await unclip(['generate', 'x'.repeat(10_000_001), '--model', model]);
    expect(result.code).toBe(1);
    expect(errorLine(result).code).toBe('INPUT_TOO_LARGE');
  });

  it('refuses a model that is not there', async () => {
    const result = await unclip(['generate', 'x', '--model', join(folder, 'none')]);
    expect(result.code).toBe(1);
    expect(errorLine(result).code).toBe('MODEL_NOT_FOUND');
  });

  it('refuses a place below a file', async () => {
    writeFileSync(join(folder, 'file'), '');
    for (const place of ['file/', 'file/deeper/', 'file/x.png']) {
      const result = await unclip(['generate', 'x', '--model', model, '--out', join(folder, place)]);
      expect(result.code).toBe(1);
      expect(errorLine(result).code).toBe('IO_FAILED');
    }
  });

  it('refuses pictures that are missing, none, or say nothing of how they were made', async () => {
    writeFileSync(join(folder, 'text.png'), 'no picture');
    const silent = join('test/fixtures/pictures', readdirSync('test/fixtures/pictures')[0]!);
    for (const picture of [join(folder, 'none.png'), join(folder, 'text.png'), folder, silent]) {
      const result = await unclip(['generate', '--from', picture, '--model', model]);
      expect(result.code).toBe(1);
      expect(errorLine(result).code).toBe('INPUT_PICTURE_INVALID');
    }
  });

  it('stops at once when it was interrupted already', async () => {
    const { UnclipError } = await import('../../src/ts/util/errors.js');
    const signal = AbortSignal.abort(new UnclipError('CANCELLED', 'interrupted'));
    const result = await unclip(['generate', 'x', '--model', model, '--out', `${out}/`], { signal });
    expect(result.code).toBe(130);
    expect(errorLine(result).code).toBe('CANCELLED');
    expect(existsSync(out)).toBe(false);
  });
});
