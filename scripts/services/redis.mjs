// A Redis server for tests: the system's, or a private copy from Debian's packages in the user's cache folder.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, realpathSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyLibraries, indexLibraries } from '../driver/libraries.mjs';
import { unpackPackages, versionFolder, withWorkFolder } from '../driver/packages.mjs';
import { commandOf, newestKept } from './found.mjs';

const PACKAGE = 'redis-server';

/** Libraries that every Debian system has, beside which a second copy does harm. */
const SYSTEM = /^(libc6|libgcc-s1|libcrypt1)$/;

/** @typedef {{ command: string, env: NodeJS.ProcessEnv }} Server */

/**
 * Finds redis-server, or fetches it.
 * @param {string} cacheFolder
 * @param {string} codename the release's VERSION_CODENAME
 * @returns {Promise<Server>}
 * @throws {Error} with a reason in one line when it cannot be had
 */
async function redisServer(cacheFolder, codename) {
  const command = await commandOf([PACKAGE]);
  if (command !== undefined) return { command, env: process.env };
  const folder = join(cacheFolder, newestKept(cacheFolder, 'redis') ?? (await fetch(cacheFolder, codename)));
  // Debian's redis-server is a link to the checker's binary, which tells by its name what it is.
  const env = { ...process.env, LD_LIBRARY_PATH: join(folder, 'lib') };
  return { command: join(folder, 'redis-server'), env };
}

function fetch(cacheFolder, codename) {
  return withWorkFolder(cacheFolder, async (work) => {
    const { root, version } = await unpackPackages(work, {
      codename,
      wanted: [PACKAGE],
      keep: (name) => /^(redis|lib)/.test(name) && !SYSTEM.test(name),
    });
    const stage = join(work, 'stage');
    const available = indexLibraries(root);
    copyLibraries([...available.keys()], available, join(stage, 'lib'));
    copyFileSync(realpathSync(join(root, 'usr/bin/redis-check-rdb')), join(stage, 'redis-server'));
    const name = versionFolder('redis', version);
    renameSync(stage, join(cacheFolder, name));
    return name;
  });
}

/** @returns {Promise<number>} a port on loopback that nobody listens at */
const freePort = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      server.close(() => resolve(port));
    });
  });

/**
 * Starts a Redis server on loopback, with its data in a folder of its own.
 * @param {string} cacheFolder @param {string} codename as for a driver
 * @returns {Promise<{ url: string, stop(): Promise<void> }>}
 */
export async function startRedis(cacheFolder, codename) {
  const { command, env } = await redisServer(cacheFolder, codename);
  const folder = mkdtempSync(join(tmpdir(), 'unclip-redis-'));
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--appendonly', 'no'];
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve, reject) => {
    let said = '';
    child.once('error', reject);
    child.once('close', (code) =>
      reject(new Error(`redis-server ended with ${code}: ${said.trim().split('\n').at(-1)}`)),
    );
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
        if (/Ready to accept connections/.test(said)) resolve(undefined);
      });
  });
  return {
    url: `redis://127.0.0.1:${port}`,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
