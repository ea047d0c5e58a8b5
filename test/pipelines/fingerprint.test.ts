import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fingerprint } from '../../src/ts/pipelines/fingerprint.js';

const folder = mkdtempSync(join(tmpdir(), 'unclip-fingerprint-'));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'decoder'));

it.each(['model.safetensors', 'pytorch_model.bin', 'model.pt', 'model.pth', 'encoder.pkl', 'config.json'])(
  'changes with one byte of %s',
  (name) => {
    const path = join(folder, 'decoder', name);
    writeFileSync(path, 'abc');
    const before = fingerprint(folder);
    writeFileSync(path, 'abd');
    expect(fingerprint(folder)).not.toBe(before);
    writeFileSync(path, 'abc');
    expect(fingerprint(folder)).toBe(before);
  },
);

it('does not change with what no model is made of', () => {
  const before = fingerprint(folder);
  writeFileSync(join(folder, 'README.md'), 'hello');
  expect(fingerprint(folder)).toBe(before);
});
