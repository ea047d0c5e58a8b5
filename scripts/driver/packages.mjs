// Debian packages unpacked into a folder, from the mirrors the system's apt already uses: no root, nothing installed.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../lib/run.mjs';
import { PrivateApt } from './apt.mjs';
import { formatSources, parseDeb822, parseOneLine, selectSources } from './apt-sources.mjs';

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

function systemSources(folder = '/etc/apt') {
  const parts = join(folder, 'sources.list.d');
  const names = existsSync(parts) ? readdirSync(parts).sort() : [];
  const read = (ending, parse) =>
    names.filter((name) => name.endsWith(ending)).flatMap((name) => parse(readIfThere(join(parts, name))));
  return [
    ...parseOneLine(readIfThere(join(folder, 'sources.list'))),
    ...read('.list', parseOneLine),
    ...read('.sources', parseDeb822),
  ];
}

/**
 * Downloads packages with what they depend on, and unpacks them below `work`.
 * @param {string} work an empty folder
 * @param {object} wish
 * @param {string} wish.codename the release's VERSION_CODENAME
 * @param {string} [wish.backports] a suite to prefer over the release
 * @param {string[]} wish.wanted names; the first one's version is returned
 * @param {(name: string) => boolean} wish.keep which of all that they bring to download
 * @returns {Promise<{ root: string, version: string }>} the folder with the files
 * @throws {Error} with a reason in one line: no apt, no network, no such package, a full disk
 */
export async function unpackPackages(work, { codename, backports, wanted, keep }) {
  const sources = selectSources(systemSources(), codename, backports);
  if (sources.length === 0) throw new Error(`the apt sources name no mirror of the release '${codename}'`);
  const apt = new PrivateApt(join(work, 'apt'), formatSources(sources));
  await apt.update();
  const resolved = await apt.resolve(wanted, backports);
  const version = resolved.find(({ name }) => name === wanted[0])?.version;
  if (version === undefined) throw new Error(`apt offers no ${wanted[0]}`);
  const downloads = await apt.download(resolved.filter(({ name }) => keep(name)));
  const root = join(work, 'root');
  for (const file of readdirSync(downloads)) await run('dpkg-deb', ['-x', join(downloads, file), root]);
  return { root, version };
}

/**
 * Runs `build` with a work folder inside the cache folder, which is gone afterwards, also when the user interrupts.
 * @template R @param {string} cacheFolder @param {(work: string) => Promise<R>} build @returns {Promise<R>}
 */
export async function withWorkFolder(cacheFolder, build) {
  mkdirSync(cacheFolder, { recursive: true });
  const work = mkdtempSync(join(cacheFolder, 'fetch-'));
  const clean = () => rmSync(work, { recursive: true, force: true });
  const interrupted = () => {
    clean();
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    return await build(work);
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    clean();
  }
}

/** The folder name of a version; an epoch's colon would split the loader's lists of paths. */
export const versionFolder = (name, version) => `${name}-${version.replaceAll(':', '_')}`;
