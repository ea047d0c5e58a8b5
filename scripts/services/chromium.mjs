// A Chromium without a screen, for tests of the page: the system's, or a private copy from Debian's packages in the user's
// cache folder, with the libraries and a font that it needs.
import { cpSync, existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { neededLibraries } from '../driver/elf.mjs';
import { copyLibraries, indexLibraries, loadOrder } from '../driver/libraries.mjs';
import { unpackPackages, versionFolder, withWorkFolder } from '../driver/packages.mjs';
import { commandOf, newestKept } from './found.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chromium-headless-shell'];

/** Chromium's part that draws into memory; it needs no toolkit of a desktop. */
const PACKAGE = 'chromium-headless-shell';
const FONT = 'fonts-inter';

/** Libraries that every Debian system has, beside which a second copy does harm, and large ones that nothing here loads. */
const LEFT_OUT = /^(libc6|libgcc-s1|libcrypt1|libstdc\+\+6|libllvm|libgl1-mesa-dri|libz3|libicu)/;

/** What network security services load by name as they start. */
const LOADED_LATER = ['libsoftokn3.so', 'libfreeblpriv3.so', 'libfreebl3.so'];

/** Of the browser's folder: what it runs without. */
const UNUSED = /^(libVk.*|.*\.TOC|chrome_crashpad_handler)$/;

/** @typedef {{ executablePath: string, env: NodeJS.ProcessEnv }} Browser what playwright's `launch` takes */

/**
 * Finds a Chromium, or fetches one.
 * @param {string} cacheFolder @param {string} codename the release's VERSION_CODENAME
 * @returns {Promise<Browser>}
 * @throws {Error} with a reason in one line when it cannot be had
 */
export async function findChromium(cacheFolder, codename) {
  const executablePath = await commandOf(NAMES);
  if (executablePath !== undefined) return { executablePath, env: process.env };
  const folder = join(cacheFolder, newestKept(cacheFolder, 'chromium') ?? (await fetch(cacheFolder, codename)));
  const env = {
    ...process.env,
    LD_LIBRARY_PATH: join(folder, 'lib'),
    FONTCONFIG_FILE: join(folder, 'fonts.conf'),
  };
  return { executablePath: join(folder, 'browser', PACKAGE), env };
}

function fetch(cacheFolder, codename) {
  return withWorkFolder(cacheFolder, async (work) => {
    const { root, version } = await unpackPackages(work, {
      codename,
      wanted: [PACKAGE, FONT],
      keep: (name) => /^(chromium|lib|zlib|fonts-inter)/.test(name) && !LEFT_OUT.test(name),
    }).catch((error) => {
      throw new Error(`${error.message}; install Chromium, so that one of ${NAMES.join(', ')} is on the path`);
    });
    const name = versionFolder('chromium', version);
    const target = join(cacheFolder, name);
    stage(root, join(work, 'stage'), target);
    try {
      renameSync(join(work, 'stage'), target);
    } catch (error) {
      // Another process was faster.
      if (!existsSync(target)) throw error;
    }
    return name;
  });
}

/** Puts the browser, what it loads and the font into `folder`, as it will stand in `target`. */
function stage(root, folder, target) {
  mkdirSync(folder);
  const source = join(root, 'usr/lib/chromium');
  for (const name of readdirSync(source))
    if (!UNUSED.test(name)) cpSync(join(source, name), join(folder, 'browser', name), { recursive: true });
  const available = indexLibraries(join(root, 'usr/lib'));
  const roots = [...neededLibraries(join(source, PACKAGE)), ...LOADED_LATER];
  copyLibraries(loadOrder(roots, available), available, join(folder, 'lib'));
  cpSync(join(root, 'usr/share/fonts'), join(folder, 'fonts'), { recursive: true });
  writeFileSync(join(folder, 'fonts.conf'), fontConfig(join(target, 'fonts'), join(target, 'fonts-cache')));
}

const fontConfig = (fonts, cache) => `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>${fonts}</dir>
  <cachedir>${cache}</cachedir>
  <alias binding="same"><family>system-ui</family><prefer><family>Inter</family></prefer></alias>
  <alias binding="same"><family>sans-serif</family><prefer><family>Inter</family></prefer></alias>
</fontconfig>
`;
