// apt with folders of its own: its package lists, its cache and an empty record of installed packages all lie in one
// work folder, so that it needs no root and changes nothing of the system's. Of the system's settings only those about
// fetching (proxies, mirrors' certificates, validity dates) are taken over; the hooks that clean up after updates are not.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../lib/run.mjs';

/** Settings about where to fetch from stay; those about which extra index files to fetch go. */
function keptSettings(dump) {
  return dump
    .split('\n')
    .filter((line) => /^Acquire::/i.test(line) && !/^Acquire::(IndexTargets|Languages)\b/i.test(line));
}

/** The first error, else the first warning, that apt printed, without its mark. */
function firstComplaint(text) {
  const lines = text.split('\n');
  return (lines.find((line) => line.startsWith('E: ')) ?? lines.find((line) => line.startsWith('W: ')))
    ?.slice(3)
    .trim();
}

export class PrivateApt {
  /** @param {string} folder an empty folder @param {string} sources the text of a deb822 sources file */
  constructor(folder, sources) {
    this.folder = folder;
    /** What went wrong when the lists were fetched, if anything did: the reason why packages are missing later. */
    this.complaint = undefined;
    this.sources = sources;
    this.env = { ...process.env, LC_ALL: 'C', APT_CONFIG: join(folder, 'apt.conf') };
  }

  /** Writes the configuration and fetches the package lists. A source that cannot be read does not stop the others. */
  async update() {
    const at = (...names) => join(this.folder, ...names);
    for (const name of ['lists/partial', 'archives/partial', 'downloads', 'empty'])
      mkdirSync(at(name), { recursive: true });
    writeFileSync(at('status'), '');
    writeFileSync(at('unclip.sources'), this.sources);
    const dump = await run('apt-config', ['dump'], { env: { ...process.env, LC_ALL: 'C' } }).catch((error) => {
      throw error.missing ? new Error('this system has no apt') : error;
    });
    const settings = {
      'Dir::Etc::main': at('empty', 'apt.conf'),
      'Dir::Etc::parts': at('empty'),
      'Dir::Etc::sourcelist': at('unclip.sources'),
      'Dir::Etc::sourceparts': at('empty'),
      'Dir::Etc::preferences': at('empty', 'preferences'),
      'Dir::Etc::preferencesparts': at('empty'),
      'Dir::State': at(),
      'Dir::State::lists': at('lists'),
      'Dir::State::status': at('status'),
      'Dir::State::extended_states': at('extended_states'),
      'Dir::Cache': at(),
      'Dir::Cache::archives': at('archives'),
      'Dir::Cache::pkgcache': '',
      'Dir::Cache::srcpkgcache': '',
      'Dir::Log': at(),
      'Acquire::Languages': 'none',
      'Acquire::Retries': '3',
      'APT::Sandbox::User': '',
      'Debug::NoLocking': 'true',
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";`);
    writeFileSync(at('apt.conf'), [...keptSettings(dump.stdout), ...lines, ''].join('\n'));
    const { stderr } = await run('apt-get', ['update', '-q'], { env: this.env, allowFailure: true });
    this.complaint = firstComplaint(stderr);
  }

  /**
   * The packages that `wanted` would bring to a system where nothing is installed, all dependencies with them.
   * @param {string[]} wanted names
   * @param {string | undefined} release the suite to prefer: backports are no candidates otherwise
   * @returns {Promise<{ name: string, version: string }[]>}
   * @throws {Error} with apt's reason when they cannot be had
   */
  async resolve(wanted, release) {
    const prefer = release === undefined ? [] : ['-t', release];
    const args = ['install', '-qq', '--print-uris', '--no-install-recommends', ...prefer, ...wanted];
    const { code, stdout, stderr } = await run('apt-get', args, { env: this.env, allowFailure: true });
    if (code !== 0) throw new Error(this.complaint ?? firstComplaint(stderr) ?? `apt offers no ${wanted.join(', ')}`);
    const packages = [];
    for (const line of stdout.split('\n')) {
      // 'URI' name_version_architecture.deb size hash; apt escapes the epoch's colon in file names.
      const match = /^'[^']*' ([^_\s]+)_([^_\s]+)_[^_\s]+\.deb /.exec(line);
      if (match) packages.push({ name: match[1], version: decodeURIComponent(match[2]) });
    }
    return packages;
  }

  /** Downloads packages, which apt checks against the signed lists. @returns {Promise<string>} the folder they are in */
  async download(packages) {
    const cwd = join(this.folder, 'downloads');
    const names = packages.map(({ name, version }) => `${name}=${version}`);
    await run('apt-get', ['download', '-q', ...names], { env: this.env, cwd });
    return cwd;
  }
}
