import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { formatSources, parseDeb822, parseOneLine, selectSources } from '../../scripts/driver/apt-sources.mjs';
import { neededLibraries } from '../../scripts/driver/elf.mjs';
import { fetchDriver } from '../../scripts/driver/fetch.mjs';

const folder = mkdtempSync(join(tmpdir(), 'unclip-fetch-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const DEB822 = `Types: deb
# a comment inside a stanza
URIs: http://mirror.example/debian http://other.example/debian
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/key.gpg

Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://tool.example/apt
Suites: bookworm
Components: stable
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
`;

describe('apt sources', () => {
  it('reads deb822 stanzas, binary and enabled ones only', () => {
    const sources = parseDeb822(DEB822);
    expect(sources.map(({ uris }) => uris)).toEqual([
      ['http://mirror.example/debian', 'http://other.example/debian'],
      ['http://tool.example/apt'],
    ]);
    expect(sources[0].components).toEqual(['main', 'contrib']);
    expect(sources[0].options.get('Signed-By')).toBe('/usr/share/keyrings/key.gpg');
    expect(sources[1].options.get('Signed-By')).toContain('\n .\n abc');
  });

  it('reads the one-line format with options', () => {
    const text = `# deb http://no.example/x y main
deb [arch=amd64,arm64 signed-by=/k.gpg] http://mirror.example/ubuntu noble main universe # note
deb-src http://mirror.example/ubuntu noble main`;
    const [source, ...others] = parseOneLine(text);
    expect(others).toEqual([]);
    expect(source).toMatchObject({
      uris: ['http://mirror.example/ubuntu'],
      suites: ['noble'],
      components: ['main', 'universe'],
    });
    expect(Object.fromEntries(source.options)).toEqual({ Architectures: 'amd64 arm64', 'Signed-By': '/k.gpg' });
  });

  it("selects the release's own suites, adds backports on request, and drops other repositories", () => {
    const sources = [...parseDeb822(DEB822), ...parseOneLine('deb cdrom:[disc]/ bookworm main')];
    const [only, ...others] = selectSources(sources, 'bookworm', 'bookworm-backports');
    expect(others).toEqual([]);
    expect(only.suites).toEqual(['bookworm', 'bookworm-updates', 'bookworm-backports']);
    expect(selectSources(sources, 'bookworm', undefined)[0].suites).toEqual(['bookworm', 'bookworm-updates']);
    expect(selectSources(sources, 'trixie', undefined)).toEqual([]);
  });

  it('writes what it reads', () => {
    const sources = parseDeb822(DEB822);
    expect(parseDeb822(formatSources(sources))).toEqual(sources);
  });
});

describe('neededLibraries', () => {
  it.runIf(process.platform === 'linux')('reads the dynamic section', () => {
    expect(neededLibraries(process.execPath)).toContain('libc.so.6');
  });

  it('refuses what is no ELF library', () => {
    const file = join(folder, 'short');
    writeFileSync(file, 'short');
    expect(() => neededLibraries(file)).toThrow(/ends too early/);
    writeFileSync(file, 'x'.repeat(100));
    expect(() => neededLibraries(file)).toThrow(/not a 64-bit/);
  });
});

describe('fetchDriver', () => {
  it('says why it cannot, and leaves nothing behind', async () => {
    const cache = join(folder, 'cache');
    await expect(fetchDriver(cache, 'no-such-release')).rejects.toThrow(/no mirror of the release 'no-such-release'/);
    expect(existsSync(cache) ? readdirSync(cache) : []).toEqual([]);
  });
});
