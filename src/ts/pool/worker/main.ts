// A worker process of a pool, see PicturePool. It speaks to its parent alone and ends with it.

/** Ctrl-C and a service manager reach every process of a group: when a worker ends is its parent's to say. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

/** At once, whatever the device is at: a worker has nothing to put in order, and nobody waits for what it draws. */
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
process.on('disconnect', die);

// Only now: loading the engine takes a while, and a parent may end meanwhile.
const { PoolWorker } = await import('./pool-worker.js');
if (!process.connected) die();
new PoolWorker().listen();

export {};
