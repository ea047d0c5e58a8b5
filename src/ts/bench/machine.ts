import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { dawnVersion } from '../gpu/dawn-version.js';
import type { AdapterDescription } from '../gpu/device.js';
import type { DeviceCaps } from '../ops/types.js';
import { packageRoot } from '../util/package-root.js';
import type { Machine } from './schema.js';

const versionIn = (path: string): string => (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;

/** SHA-256 of all WGSL files by name, first 16 hexadecimal digits: two results with the same one ran the same kernels. */
export function shadersHash(): string {
  const folder = join(packageRoot(), 'shaders');
  const hash = createHash('sha256');
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.wgsl'));
  for (const name of names.map((n) => n.replaceAll('\\', '/')).sort())
    hash
      .update(`${name}\0`)
      .update(readFileSync(join(folder, name)))
      .update('\0');
  return hash.digest('hex').slice(0, 16);
}

/**
 * On what a figure was measured. The load average is part of it: on a busy machine every time is an upper bound.
 * @param loadAverage over one minute, read before the run itself added to it
 */
export function describeMachine(adapter: AdapterDescription, caps: DeviceCaps, loadAverage: number): Machine {
  return {
    date: new Date().toISOString(),
    unclip: versionIn(join(packageRoot(), 'package.json')),
    kernels: shadersHash(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform}-${process.arch}`,
    loadAverage,
    node: process.version,
    dawn: dawnVersion(),
    adapter: {
      name: adapter.name,
      vendor: adapter.vendor,
      architecture: adapter.architecture,
      device: adapter.device,
      driver: adapter.driver,
      software: adapter.software,
      features: [...adapter.features],
      subgroupSize: caps.subgroupSize,
      matrixConfigs: caps.matrixConfigs.map((c) => `${c.M}x${c.N}x${c.K} ${c.componentType}->${c.resultComponentType}`),
    },
  };
}

/** Whether other work had distorted the figures before the run began. */
export const wasBusy = (m: Machine): boolean => m.loadAverage > m.cores * 0.5;
