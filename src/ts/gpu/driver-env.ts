import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { constants, homedir } from 'node:os';
import { join } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { addon } from '../native/addon.js';
import { UnclipError } from '../util/errors.js';

/**
 * Which Vulkan driver Dawn will find.
 *
 * A machine without a GPU, or with a Mesa that is too old, can still run on a private copy of Mesa's software driver
 * (lavapipe) that `scripts/setup.mjs` unpacks into the user's cache folder. Nothing on the system points to that copy,
 * so this file does, in two ways that both work inside a running process:
 *
 * 1. The Vulkan loader and Mesa read their settings with `getenv`, and an assignment to `process.env` on the main
 *    thread is a `setenv`; in a worker thread the native addon does that.
 * 2. The copy's libraries are opened by absolute path before Dawn asks for them by bare name. glibc gives out a library
 *    that is already in the process when its SONAME fits, so no LD_LIBRARY_PATH is needed, which would have to be set
 *    before Node starts.
 */

/** A private driver as `scripts/driver/fetch.mjs` records it in `driver.json`. All paths are absolute. */
export interface PrivateDriver {
  /** Mesa's package version. */
  readonly mesa: string;
  /** The Vulkan loader's manifest of the driver. */
  readonly icd: string;
  /** The folder that holds the libraries, for people who would rather set LD_LIBRARY_PATH. */
  readonly libraryPath: string;
  /** The libraries to open, each after those it needs. */
  readonly libraries: readonly string[];
}

/** What was settled for this process. */
export interface DriverEnvironment {
  /** True when only a software driver is offered to Dawn; false when a GPU may answer. */
  readonly software: boolean;
  /** The driver manifest in use, when it is not the system's own choice. */
  readonly icd?: string;
  /** `system`: the loader's own search. `private`: the copy in the cache folder. `env`: the caller's VK_* variables. */
  readonly source: 'system' | 'private' | 'env';
}

/** A decision, before it is put into effect. */
export interface DriverChoice extends DriverEnvironment {
  /** Environment variables to set. */
  readonly variables: Readonly<Record<string, string>>;
  /** Libraries to open by absolute path, in this order. */
  readonly preload: readonly string[];
}

/** What a choice depends on. */
export interface DriverSituation {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cacheFolder: string;
  readonly driver: PrivateDriver | undefined;
  /** Whether the kernel shows a GPU (see {@link hasGpuDevice}). */
  readonly gpu: boolean;
  /** Whether Dawn was already asked with the system's drivers and found no adapter. */
  readonly systemFailed: boolean;
}

/** `$XDG_CACHE_HOME/unclip`, or `~/.cache/unclip`. A relative XDG_CACHE_HOME is ignored, as its specification asks. */
export function unclipCacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  const xdg = env.XDG_CACHE_HOME;
  return join(xdg?.startsWith('/') ? xdg : join(env.HOME || homedir(), '.cache'), 'unclip');
}

/** Reads `driver.json` of the cache folder. Undefined when there is none, or when what it names is gone. */
export function readPrivateDriver(cacheFolder: string = unclipCacheFolder()): PrivateDriver | undefined {
  try {
    const driver = JSON.parse(readFileSync(join(cacheFolder, 'driver.json'), 'utf8')) as PrivateDriver;
    for (const file of [driver.icd, ...driver.libraries]) statSync(file);
    return driver;
  } catch {
    return undefined;
  }
}

/** Device nodes of GPUs: DRM, NVIDIA, AMD compute, WSL, Mali, PowerVR, Adreno. */
const GPU_NODES = [/^nvidia\d+$/, /^nvidiactl$/, /^kfd$/, /^dxg$/, /^mali\d+$/, /^pvr/, /^kgsl-3d\d+$/];

/** Whether the kernel shows a GPU. A driver for it may still be missing; only Dawn can tell that. */
export function hasGpuDevice(): boolean {
  const list = (folder: string): string[] => {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  };
  return (
    list('/dev/dri').some((name) => name.startsWith('renderD')) ||
    list('/dev').some((name) => GPU_NODES.some((node) => node.test(name)))
  );
}

const SOFTWARE_ICD = /lvp|lavapipe|llvmpipe|swiftshader/i;

/**
 * Decides which driver Dawn gets. Pure.
 *
 * In order: the caller's own VK_DRIVER_FILES or VK_ICD_FILENAMES; then `UNCLIP_ADAPTER` (`software`: the private driver
 * and nothing else; `system`: never the private one); then the system's drivers while a GPU is there; then the private
 * driver. Where a GPU is there but Dawn found no adapter, the private copy is added to the system's drivers and does not
 * replace them: all that was missing may be the Vulkan loader, and then the GPU still wins.
 *
 * @throws UnclipError INPUT_INVALID when UNCLIP_ADAPTER is neither empty nor one of those words.
 */
export function chooseDriver({ env, cacheFolder, driver, gpu, systemFailed }: DriverSituation): DriverChoice {
  const wish = env.UNCLIP_ADAPTER || 'auto';
  if (!['auto', 'software', 'system'].includes(wish)) {
    throw new UnclipError('INPUT_INVALID', `UNCLIP_ADAPTER is '${wish}'; use 'software', 'system' or 'auto'.`);
  }
  // Compiled kernels are kept between runs: lavapipe takes seconds for a kernel that Mesa's cache gives in 3 ms.
  const cache: Record<string, string> = env.MESA_SHADER_CACHE_DIR
    ? {}
    : { MESA_SHADER_CACHE_DIR: join(cacheFolder, 'shader-cache') };
  const given = env.VK_DRIVER_FILES || env.VK_ICD_FILENAMES;
  if (given) {
    const software = given.split(':').every((file) => SOFTWARE_ICD.test(file));
    return { software, icd: given, source: 'env', variables: software ? cache : {}, preload: [] };
  }
  const wanted = wish === 'software' || (wish === 'auto' && (systemFailed || !gpu));
  if (driver === undefined || !wanted) {
    return { software: wish === 'software', source: 'system', variables: {}, preload: [] };
  }
  const { icd, libraries } = driver;
  const beside = gpu && wish !== 'software';
  const variables: Record<string, string> = beside
    ? { ...cache, VK_ADD_DRIVER_FILES: icd }
    : { ...cache, VK_DRIVER_FILES: icd, VK_ICD_FILENAMES: icd };
  return { software: !beside, icd, source: 'private', variables, preload: libraries };
}

// glibc's value; Node does not name it. Without it Node closes the library again, because it is no addon.
const RTLD_NODELETE = 0x1000;

function openLibrary(file: string): void {
  try {
    process.dlopen({ exports: {} }, file, constants.dlopen.RTLD_NOW | RTLD_NODELETE);
  } catch {
    // Node always throws here, since a plain library registers no addon; by then it is open, and stays so.
    // One that could not be opened shows as a missing adapter, for which the caller has the better words.
  }
}

let current: DriverChoice | undefined;

/** Values that variables had before they were set here. */
const before = new Map<string, string | undefined>();

function apply(choice: DriverChoice): DriverEnvironment {
  for (const name of Object.keys(choice.variables)) if (!before.has(name)) before.set(name, process.env[name]);
  Object.assign(process.env, choice.variables);
  if (!isMainThread) for (const [name, value] of Object.entries(choice.variables)) addon().setEnvironment(name, value);
  if (choice.variables.MESA_SHADER_CACHE_DIR) {
    try {
      mkdirSync(choice.variables.MESA_SHADER_CACHE_DIR, { recursive: true });
    } catch {
      // A cache folder that cannot be written makes the first pictures slower, nothing else.
    }
  }
  for (const library of choice.preload) openLibrary(library);
  current = choice;
  return describe(choice);
}

/** The environment without what was set here: a child process that finds its driver by itself begins with this one. */
export const callersEnvironment = (): NodeJS.ProcessEnv => ({ ...process.env, ...Object.fromEntries(before) });

function describe({ software, icd, source }: DriverChoice): DriverEnvironment {
  return icd === undefined ? { software, source } : { software, icd, source };
}

function choose(systemFailed: boolean): DriverChoice {
  const cacheFolder = unclipCacheFolder();
  const driver = readPrivateDriver(cacheFolder);
  return chooseDriver({ env: process.env, cacheFolder, driver, gpu: hasGpuDevice(), systemFailed });
}

/**
 * Makes the right Vulkan driver findable for Dawn. Call it before `webgpu` creates an instance; calling it again changes
 * nothing. On macOS and Windows there is nothing to do.
 *
 * @throws UnclipError INPUT_INVALID for an unknown value of UNCLIP_ADAPTER.
 */
export function prepareDriverEnvironment(): DriverEnvironment {
  if (current !== undefined) return describe(current);
  if (process.platform !== 'linux') return { software: false, source: 'system' };
  return apply(choose(false));
}

/**
 * The second try, for a caller whose Dawn instance found no adapter among the system's drivers: brings in the private
 * driver. Create a new Dawn instance afterwards; the Vulkan loader looks for drivers anew.
 *
 * @returns what is in force now, or undefined when there is nothing further to try.
 */
export function fallBackToPrivateDriver(): DriverEnvironment | undefined {
  if (process.platform !== 'linux') return undefined;
  if (current !== undefined && current.source !== 'system') return undefined;
  const choice = choose(true);
  return choice.source === 'private' ? apply(choice) : undefined;
}
