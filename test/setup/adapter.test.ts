import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/ts/util/package-root.js';

const built = existsSync(join(packageRoot(), 'dist/gpu/driver-env.js'));

function probe(env: Record<string, string> = {}) {
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(packageRoot(), 'scripts/driver/probe.mjs')], {
    encoding: 'utf8',
    // No library path: the driver has to be found from within the process.
    env: { ...process.env, LD_LIBRARY_PATH: process.env.VK_DRIVER_FILES ? process.env.LD_LIBRARY_PATH : '', ...env },
  });
  return { answer: stdout === '' ? undefined : JSON.parse(stdout), stderr, status };
}

describe.skipIf(!built)('the adapter after set-up', () => {
  it('is there, and computes', () => {
    const { answer, status } = probe();
    expect(status).toBe(0);
    expect(answer.adapter).toMatchObject({ description: expect.stringMatching(/./), software: expect.any(Boolean) });
  });

  it('is none, and no crash, where the variables name a driver that is not there', () => {
    const { answer, status } = probe({ VK_DRIVER_FILES: '/nonexistent/icd.json', VK_ICD_FILENAMES: '' });
    expect(status).toBe(0);
    expect(answer).toEqual({ adapter: null, source: 'env' });
  });

  it('says which words UNCLIP_ADAPTER takes', () => {
    const { stderr, status } = probe({ UNCLIP_ADAPTER: 'fast' });
    expect(status).toBe(1);
    expect(stderr).toContain("UNCLIP_ADAPTER is 'fast'; use 'software', 'system' or 'auto'.");
  });
});
