import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { opsTable } from '../../scripts/lib/ops-table.mjs';
import { OPS } from '../../src/ts/ops/registry.js';
import { packageRoot } from '../../src/ts/util/package-root.js';

it('docs/ops.md says what the records say (node scripts/ops-table.mjs writes it)', () => {
  expect(readFileSync(join(packageRoot(), 'docs/ops.md'), 'utf8')).toBe(opsTable(OPS));
});
