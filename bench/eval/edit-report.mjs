import { machineLines, table } from '../../dist/cli/bench/cells.js';
import { confusionLine, percent } from './report.mjs';
import { ATTRIBUTES, byLabel, confusions, isRight, shares } from './score.mjs';
import { mean, wilson } from './statistics.mjs';

/** @typedef {import('./score.mjs').Judged & { wanted: import('./edits.mjs').Edit, outside: number, seam: number }} JudgedEdit */

/** Shares right, with that of thing and colour together. @param {readonly JudgedEdit[]} judged */
function editShares(judged) {
  const right = judged.filter(
    ({ wanted, seen }) => seen.thing === wanted.thing && seen.colour === wanted.colour,
  ).length;
  const both = { right, of: judged.length, share: right / judged.length, ...wilson(right, judged.length) };
  return { ...shares(judged), both };
}

/**
 * @param {object} r
 * @param {ReturnType<typeof import('../../dist/bench/machine.js').describeMachine>} r.machine
 * @param {object} r.setting model, dtype, seed, steps, guidance, resample, jump
 * @param {readonly JudgedEdit[]} r.judged
 * @param {number} r.seconds spent drawing
 */
export function makeEditReport({ machine, setting, judged, seconds }) {
  const heldOut = judged.filter(({ wanted }) => wanted.heldOut);
  return {
    machine,
    setting,
    shares: editShares(judged),
    ...(heldOut.length > 0 ? { heldOut: editShares(heldOut) } : {}),
    ...Object.fromEntries(ATTRIBUTES.map((name) => [`by_${name}`, byLabel(judged, name)])),
    confusions: Object.fromEntries(ATTRIBUTES.map((name) => [name, confusions(judged, name)])),
    /** Edits that changed a pixel outside the mask. */
    touchedOutside: judged.filter(({ outside }) => outside > 0).length,
    seam: mean(judged.map(({ seam }) => seam)),
    seconds,
    secondsPerEdit: seconds / judged.length,
    edits: judged.map(({ wanted, seen, outside, seam }) => ({
      ...wanted,
      seen,
      outside,
      seam,
      right: isRight({ wanted, seen }),
    })),
  };
}

/** @param {ReturnType<typeof makeEditReport>} r */
export function printEditReport(r) {
  const { steps, guidance, resample, jump, model, modelHash, dtype, seed } = r.setting;
  const row = (name, s) => [
    name,
    String(s.all.of),
    ...ATTRIBUTES.map((a) => percent(s[a])),
    percent(s.both),
    percent(s.all),
  ];
  console.log(`${machineLines(r.machine).join('\n')}
model     ${model} (${modelHash.slice(0, 12)}), ${dtype}, seed ${seed}
steps     prior ${steps.prior}, decoder ${steps.decoder}, upsampler ${steps.superRes}; guidance ${guidance.prior}, ${guidance.decoder}
masked    resample ${resample}, jump ${jump}

${table(
  ['share right, % [95 %]', 'edits', ...ATTRIBUTES, 'thing and colour', 'all three'],
  [row('all', r.shares), ...(r.heldOut === undefined ? [] : [row('held-out combinations', r.heldOut)])],
)}

${ATTRIBUTES.map((name) => `all three right by ${name}: ${r[`by_${name}`].map((l) => `${l.label} ${l.right}/${l.of}`).join(', ')}`).join('\n')}
${ATTRIBUTES.map((name) => confusionLine(name, r.confusions[name])).join('\n')}

outside   ${r.touchedOutside} of ${r.edits.length} edits changed a pixel outside the mask
seam      ${r.seam.toFixed(1)}/255 between the place and what was drawn within its mask's edge, median over each
speed     ${r.secondsPerEdit.toFixed(1)} s an edit, ${r.seconds.toFixed(0)} s in all`);
}
