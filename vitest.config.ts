import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Every file that opens a device runs in a process of its own: Dawn's instance is global to a process.
    pool: 'forks',
    maxWorkers: 2,
    // No test depends on which kernels were measured to be fastest on the machine it runs on.
    env: { UNCLIP_TUNING_DIR: join(tmpdir(), 'unclip-tests-know-no-tuning') },
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Machines that run tests may be busy with other things.
    expect: { poll: { timeout: 20_000 } },
  },
});
