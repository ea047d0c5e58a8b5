// `unclip` from a clone: sets up what is missing, then runs the command line with the given arguments.
//   node scripts/cli.mjs parity ../shared/golden
import { join } from 'node:path';
import { ROOT } from './lib/files.mjs';
import { runInForeground } from './lib/run.mjs';
import { setup } from './setup.mjs';

// Standard output belongs to the command.
await setup(process.stderr);
process.exit(await runInForeground(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...process.argv.slice(2)]));
