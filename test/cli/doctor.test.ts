import { describe, expect, it } from 'vitest';
import { unclip } from '../support/cli.js';

describe('doctor', () => {
  it('lists adapters with features and limits, and says that this machine can draw', async () => {
    const { code, stdout } = await unclip(['doctor', '--json']);
    const report = JSON.parse(stdout);
    expect(code).toBe(report.canDraw ? 0 : 1);
    expect(report).toMatchObject({ canDraw: true, node: process.version, addon: { ok: true } });
    for (const adapter of report.adapters) {
      expect(adapter).toMatchObject({ name: expect.any(String), software: expect.any(Boolean) });
      expect(adapter.features).toEqual(expect.any(Array));
      expect(adapter.limits.maxStorageBufferBindingSize).toBeGreaterThanOrEqual(2 ** 27);
    }
  });

  it('says the same to people', async () => {
    const { code, stdout } = await unclip(['doctor']);
    expect(code).toBe(0);
    for (const word of ['node', 'drivers', 'adapter', 'shader-f16', 'maxBufferSize', 'This machine can draw.'])
      expect(stdout).toContain(word);
  });
});
