import { addon } from '../native/addon.js';

/** By then the collector has found what stood for a device that is gone, milliseconds. */
const LATER_MS = 10_000;

/**
 * Gives back to the system what a device held that is gone. Its driver frees it in parts: some at once, some when JavaScript's objects
 * for buffers and pipelines are collected. Without this a software driver's threads, new ones for each device, leave some 25 MiB behind in
 * arenas of the C library that nobody uses again.
 */
export async function reclaimMemory(): Promise<void> {
  await addon().trimMemory();
  setTimeout(() => void addon().trimMemory(), LATER_MS).unref();
}
