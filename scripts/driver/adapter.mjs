// Makes sure that Dawn finds an adapter: asks it, and fetches a private software driver where it finds none.
//   node scripts/driver/adapter.mjs
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../lib/files.mjs';
import { run } from '../lib/run.mjs';
import { fetchDriver } from './fetch.mjs';

const SOURCES = { system: 'system driver', private: 'private driver', env: 'driver of VK_DRIVER_FILES' };

/** What Dawn answers in a process of its own; a driver that crashes counts as none. */
async function probe() {
  const { stdout } = await run(process.execPath, [join(ROOT, 'scripts/driver/probe.mjs')], { allowFailure: true });
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  return line === undefined ? { adapter: null, source: 'system' } : JSON.parse(line);
}

function describe({ adapter, source }, note = '') {
  return `${adapter.description} (${adapter.software ? 'software, ' : ''}${SOURCES[source]}${note})`;
}

/** A person's own choice of driver is not overruled by fetching another. */
function ownChoice() {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES, UNCLIP_ADAPTER } = process.env;
  return VK_DRIVER_FILES || VK_ICD_FILENAMES || UNCLIP_ADAPTER === 'system';
}

async function fetchAndProbe(facts) {
  const { unclipCacheFolder } = await import('../../dist/gpu/driver-env.js');
  const driver = await fetchDriver(unclipCacheFolder(), facts.codename);
  const found = await probe();
  if (found.adapter === null) throw new Error(`Mesa ${driver.mesa} was fetched, but Dawn finds no adapter with it`);
  return describe(found, `, fetched into ${driver.libraryPath.replace(homedir(), '~')}`);
}

/**
 * @returns {Promise<string>} the adapter, in words
 * @throws {Error} when there is none and none could be fetched; the message says what to install
 */
export async function adapter() {
  const found = await probe();
  if (found.adapter !== null) return describe(found);
  const { driverHints, readSystemFacts } = await import('../../dist/gpu/driver-hints.js');
  const facts = readSystemFacts(existsSync('/dev/nvidiactl'));
  let reason = 'the environment variables choose the driver, so none was fetched';
  if (!ownChoice()) {
    try {
      if (process.platform !== 'linux') throw new Error('there is no software driver to fetch for this system');
      return await fetchAndProbe(facts);
    } catch (error) {
      const said = error.output?.trim().split('\n').at(-1);
      reason = `a driver could not be fetched: ${[error.message, said].filter(Boolean).join(': ')}`;
    }
  }
  const hints = driverHints(facts).map((hint) => `\n  ${hint}`);
  throw new Error(`no WebGPU adapter was found; ${reason}${hints.join('')}`);
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  try {
    console.log(await adapter());
  } catch (error) {
    console.error(error.message);
    process.exit(1);
  }
}
