// node scripts/ops-table.mjs: writes docs/ops.md from the records of the ops, after `npm run build`.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPS } from '../dist/ops/registry.js';
import { ROOT } from './lib/files.mjs';
import { opsTable } from './lib/ops-table.mjs';

mkdirSync(join(ROOT, 'docs'), { recursive: true });
writeFileSync(join(ROOT, 'docs/ops.md'), opsTable(OPS));
