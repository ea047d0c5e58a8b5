import type { EndToEnd } from '../schema.js';

/** The bars that a software adapter on a 2-core machine is held to. */
const BARS = { arenaRatio: 1.1, jsShare: 0.05, readyMs: 2000, coldMs: 30_000 };

type Verdict = EndToEnd['verdicts'][number];

const seconds = (ms: number): string => `${(ms / 1e3).toFixed(2)} s`;

/** One verdict a bar; `pass` is undefined where the run did not measure it. */
export function verdicts(r: Omit<EndToEnd, 'verdicts'>): Verdict[] {
  const worstArena = r.networks.reduce((a, b) => (b.arenaRatio > a.arenaRatio ? b : a));
  const looped = r.stages.filter((s) => s.steps > 1);
  const worstJs = looped.reduce((a, b) => (b.jsShare > a.jsShare ? b : a));
  const { coldProcess: cold, memory } = r;
  return [
    {
      bar: `arena <= ${BARS.arenaRatio} x lower bound, every network`,
      measured: `${worstArena.arenaRatio.toFixed(3)} (${worstArena.name})`,
      pass: worstArena.arenaRatio <= BARS.arenaRatio,
    },
    {
      bar: `JavaScript that the GPU waits for <= ${100 * BARS.jsShare} % of a step`,
      measured: `${(100 * worstJs.jsShare).toFixed(2)} % (${worstJs.stage}), ${(100 * r.jsShare).toFixed(2)} % of the whole`,
      pass: worstJs.jsShare <= BARS.jsShare,
    },
    {
      bar: `load to ready <= ${seconds(BARS.readyMs)}`,
      measured: seconds(r.load.readyMs),
      pass: r.load.readyMs <= BARS.readyMs,
    },
    {
      bar: `memory constant over ${memory?.rss.length ?? 0} pictures`,
      measured:
        memory?.growthBytes === undefined ? 'not measured' : `${(memory.growthBytes / 2 ** 20).toFixed(1)} MiB growth`,
      pass: memory?.constant,
    },
    {
      bar: `the demo's picture from a cold process and cache <= ${seconds(BARS.coldMs)}`,
      measured: cold.emptyCacheMs === undefined ? `not measured: ${cold.reason}` : seconds(cold.emptyCacheMs),
      pass: cold.emptyCacheMs === undefined ? undefined : cold.emptyCacheMs <= BARS.coldMs,
    },
  ];
}
