import { setTimeout as sleep } from 'node:timers/promises';
import { relativeL2 } from './reference.mjs';
import { AGREEMENT, median, NETWORK_AGREEMENT } from './verdict.mjs';

/** About how long one engine's turn in a round lasts. */
const TURN_MS = 150;
const MAX_RUNS = 1000;
/** An engine that takes longer than this for all its rounds of a case leaves out the last ones. */
const BUDGET_MS = 12_000;
const MIN_ROUNDS = 3;
/** Between two engines' turns: some libraries' idle threads keep spinning for a moment. */
const PAUSE_MS = 30;

/** @typedef {import('./engine-process.mjs').EngineProcess} EngineProcess */

/**
 * What one engine did in one case.
 * @typedef {object} Measured
 * @property {number[]} ms of a run, one number a round
 * @property {number[]} [cpuMs] processor time of all threads of the engine's process, a driver's on the CPU among them
 * @property {number} [medianMs]
 * @property {number} [relL2] against f64; where that has the leading rows only, or for a whole network, also against the first
 *   right result, whichever is greater
 * @property {number} [runs] in a round
 * @property {string} [form] @property {string} [note] what ran
 * @property {{ form: string, relL2: number, ms: number }[]} [rejected] forms that gave a wrong result
 * @property {string} [error]
 */

/**
 * Prepares one case on every engine, checks what each gives, and times the ones that are right in alternating rounds.
 * @param {readonly EngineProcess[]} engines this engine first
 * @param {import('./cases.mjs').Case} c
 * @param {ArrayLike<number> | undefined} reference leading elements of the result, if there is one
 * @param {number} rounds
 * @returns {Promise<Record<string, Measured>>} by engine
 */
export async function measureCase(engines, c, reference, rounds) {
  const results = {};
  const turns = [];
  const tolerance = c.op === 'unet' ? NETWORK_AGREEMENT : AGREEMENT[c.dtype];
  const errorOf = judge(reference, tolerance);
  for (const engine of engines) {
    const measured = { ms: [], cpuMs: [] };
    results[engine.name] = measured;
    try {
      const ready = await prepareBestForm(engine, c, errorOf, tolerance);
      Object.assign(measured, ready.measured);
      if (ready.estimateMs === undefined) continue;
      measured.runs = Math.max(1, Math.min(MAX_RUNS, Math.round(TURN_MS / ready.estimateMs)));
      const affordable = Math.floor(BUDGET_MS / (measured.runs * ready.estimateMs));
      turns.push({ engine, measured, rounds: Math.max(MIN_ROUNDS, Math.min(rounds, affordable)) });
    } catch (error) {
      measured.error = error.message;
      await engine.call('release').catch(() => undefined);
    }
  }
  for (let round = 0; round < rounds; round++) {
    // Every other round in the opposite order, so that nobody always comes after the same neighbour.
    for (const turn of round % 2 === 0 ? turns : [...turns].reverse()) {
      if (round >= turn.rounds || turn.measured.error !== undefined) continue;
      await sleep(PAUSE_MS);
      try {
        const { ms, cpuMs } = await turn.engine.call('time', turn.measured.runs);
        turn.measured.ms.push(ms);
        turn.measured.cpuMs.push(cpuMs);
      } catch (error) {
        turn.measured.error = error.message;
      }
    }
  }
  for (const { engine, measured } of turns) {
    if (measured.ms.length > 0) measured.medianMs = median(measured.ms);
    await engine.call('release').catch((error) => {
      measured.error ??= error.message;
    });
  }
  return results;
}

/**
 * Gives the error of one result after the other: relative L2 against the reference and, as that may be short or absent, of the
 * whole against the first result that was right.
 * @param {ArrayLike<number> | undefined} reference @param {number} tolerance
 * @returns {(output: Float32Array) => number}
 */
export function judge(reference, tolerance) {
  let first;
  return (output) => {
    const errors = [reference, first].filter((r) => r !== undefined).map((r) => relativeL2(output, r));
    const worst = Math.max(0, ...errors);
    if (worst <= tolerance) first ??= output;
    return worst;
  };
}

/**
 * Leaves the engine with the case prepared in the fastest form that is right, if one is.
 * @param {EngineProcess} engine @param {import('./cases.mjs').Case} c
 * @param {(output: Float32Array) => number} errorOf @param {number} tolerance
 */
async function prepareBestForm(engine, c, errorOf, tolerance) {
  const forms = await engine.call('forms', c);
  const rejected = [];
  let best;
  for (const form of forms) {
    const { output, ms, note } = await engine.call('prepare', { c, form });
    const tried = { form, relL2: errorOf(output), ms, note };
    if (!(tried.relL2 <= tolerance)) rejected.push({ form, relL2: tried.relL2, ms });
    else if (best === undefined || ms < best.ms) best = tried;
    if (forms.length > 1 || best === undefined) await engine.call('release');
  }
  if (best === undefined)
    return { measured: { rejected, error: `wrong result (relative L2 ${rejected[0].relL2.toExponential(1)})` } };
  if (forms.length > 1) await engine.call('prepare', { c, form: best.form });
  const { form, relL2, note } = best;
  const measured = { relL2, note, form: forms.length > 1 ? form : undefined };
  return { measured: rejected.length > 0 ? { ...measured, rejected } : measured, estimateMs: best.ms };
}
