/** The bars that a software adapter on a 2-core machine is held to. */
const BARS = { arenaRatio: 1.1, jsShare: 0.05, readyMs: 2000, coldMs: 30_000 };

/**
 * One verdict a bar; `pass` is undefined where the run did not measure it.
 * @param {import('./report.mjs').Report} r
 * @returns {{ bar: string, measured: string, pass: boolean | undefined }[]}
 */
export function verdicts(r) {
  const worstArena = r.networks.reduce((a, b) => (b.arenaRatio > a.arenaRatio ? b : a));
  const looped = r.stages.filter((s) => s.steps > 1);
  const worstJs = looped.reduce((a, b) => (b.jsShare > a.jsShare ? b : a));
  const verdict = (bar, measured, pass) => ({ bar, measured, pass });
  const seconds = (ms) => `${(ms / 1e3).toFixed(2)} s`;
  const cold = r.coldProcess;
  const { memory } = r;
  return [
    verdict(
      `arena <= ${BARS.arenaRatio} x lower bound, every network`,
      `${worstArena.arenaRatio.toFixed(3)} (${worstArena.name})`,
      worstArena.arenaRatio <= BARS.arenaRatio,
    ),
    verdict(
      `JavaScript encoding <= ${100 * BARS.jsShare} % of a step`,
      `${(100 * worstJs.jsShare).toFixed(2)} % (${worstJs.stage}), ${(100 * r.jsShare).toFixed(2)} % of the whole`,
      worstJs.jsShare <= BARS.jsShare,
    ),
    verdict(`load to ready <= ${seconds(BARS.readyMs)}`, seconds(r.load.readyMs), r.load.readyMs <= BARS.readyMs),
    verdict(
      `memory constant over ${memory?.rss.length ?? 0} pictures`,
      memory?.growthBytes === undefined ? 'not measured' : `${(memory.growthBytes / 2 ** 20).toFixed(1)} MiB growth`,
      memory?.constant,
    ),
    verdict(
      `the demo's picture from a cold process and cache <= ${seconds(BARS.coldMs)}`,
      cold.emptyCacheMs === undefined ? `not measured: ${cold.reason}` : seconds(cold.emptyCacheMs),
      cold.emptyCacheMs === undefined ? undefined : cold.emptyCacheMs <= BARS.coldMs,
    ),
  ];
}
