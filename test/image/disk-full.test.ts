import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type * as fs from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { writeFileAtomic } from '../../src/ts/util/write-file.js';

// The disk is made to fill up after the first bytes: a real full disk is nothing that a test may need.
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof fs>();
  const openFull = async (path: string, flags: string) => {
    const file = await real.open(path, flags);
    const full = async () => {
      await file.write(Uint8Array.of(1));
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    };
    return { writeFile: full, sync: () => file.sync(), close: () => file.close() };
  };
  return { ...real, open: openFull };
});

it('a full disk is told as IO_NO_SPACE, and the older file stays alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'unclip-full-'));
  const path = join(folder, 'a.png');
  writeFileSync(path, 'old');
  await expect(writeFileAtomic(path, new Uint8Array(100))).rejects.toThrow(
    expect.objectContaining({ code: 'IO_NO_SPACE' }),
  );
  expect(readdirSync(folder)).toEqual(['a.png']);
  expect(readFileSync(path, 'utf8')).toBe('old');
  rmSync(folder, { recursive: true });
});
