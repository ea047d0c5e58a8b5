// npm test [-- arguments for vitest]: sets up what is missing, runs every test, then the parity of the networks with
// their references where ../shared/golden is there, and ends with the line `N passed, N failed`.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './lib/files.mjs';
import { runAndShow, runInForeground } from './lib/run.mjs';
import { setup } from './setup.mjs';

const GOLDEN = join(ROOT, '../shared/golden');

/** Runs vitest. A file that could not even be loaded has no tests to count; it counts as one failure. */
async function runVitest(extra) {
  const folder = mkdtempSync(join(tmpdir(), 'unclip-test-'));
  try {
    const report = join(folder, 'report.json');
    const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
    const args = [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...extra];
    const code = await runInForeground(process.execPath, args, { cwd: ROOT });
    if (!existsSync(report)) return { code, passed: 0, failed: 1 };
    const { numPassedTests, numFailedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    const broken = testResults.filter((file) => file.status === 'failed' && file.assertionResults.length === 0).length;
    const failed = numFailedTests + broken;
    // An error outside any test, such as a worker that died, shows in the exit code alone.
    return { code, passed: numPassedTests, failed: code !== 0 && failed === 0 ? 1 : failed };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs the parity command and reads the counts from its closing line. */
async function runParity() {
  if (!existsSync(GOLDEN)) return { code: 0, passed: 0, failed: 0 };
  console.log(`\nparity with the references in ${GOLDEN}`);
  const cli = join(ROOT, 'dist/cli/main.js');
  const { code, stdout } = await runAndShow(process.execPath, [cli, 'parity', GOLDEN], { cwd: ROOT });
  const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(stdout.trimEnd().split('\n').at(-1))?.[1] ?? 0);
  const [passed, failed] = [count('passed'), count('failed')];
  return { code, passed, failed: code !== 0 && failed === 0 ? 1 : failed };
}

await setup();
const extra = process.argv.slice(2);
const results = [await runVitest(extra)];
// Arguments choose among vitest's tests; whoever gives some wants those and no more.
if (extra.length === 0) results.push(await runParity());
const sum = (key) => results.reduce((total, result) => total + result[key], 0);
const [passed, failed] = [sum('passed'), sum('failed')];
console.log(`\n${passed} passed, ${failed} failed`);
process.exit(failed > 0 || passed === 0 || results.some(({ code }) => code !== 0) ? 1 : 0);
