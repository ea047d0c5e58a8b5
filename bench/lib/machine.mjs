import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './options.mjs';

/** @param {string} path below the repository @returns {{ version: string }} */
const packageOf = (path) => JSON.parse(readFileSync(join(ROOT, path, 'package.json'), 'utf8'));

/**
 * On what a figure was measured. The load average is part of it: on a busy machine every time is an upper bound.
 * @param {import('../../dist/index.js').AdapterDescription} adapter
 * @param {number} loadAverage over one minute, read before the run itself added to it
 */
export function describeMachine(adapter, loadAverage) {
  return {
    date: new Date().toISOString(),
    unclip: packageOf('.').version,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    platform: `${process.platform}-${process.arch}`,
    loadAverage,
    node: process.version,
    dawn: packageOf('node_modules/webgpu').version,
    adapter: adapter.name,
    vendor: adapter.vendor,
    architecture: adapter.architecture,
    software: adapter.software,
    features: [...adapter.features],
  };
}

/** @param {ReturnType<typeof describeMachine>} m @returns {string[]} */
export const machineLines = (m) => [
  `machine   ${m.cpu}, ${m.cores} cores, ${(m.memoryBytes / 2 ** 30).toFixed(1)} GiB, ${m.platform}`,
  `adapter   ${m.adapter} (${[m.vendor, m.architecture].filter(Boolean).join(', ')}${m.software ? ', software' : ''})`,
  `versions  unclip ${m.unclip}, Node ${m.node}, npm webgpu ${m.dawn}`,
  `load      ${m.loadAverage.toFixed(2)} (1-minute average before the run), ${m.date}`,
];

/** A warning for figures that other work has distorted. @param {ReturnType<typeof describeMachine>} m */
export const loadWarning = (m) =>
  m.loadAverage > m.cores * 0.5
    ? 'NOTE: the machine was busy with other work when this began; times are upper bounds, not results.'
    : undefined;
