import { machineLines, table } from '../../dist/cli/bench/cells.js';
import { ATTRIBUTES, byLabel, confusions, shares } from './score.mjs';

const TOP_CONFUSIONS = 5;

/** @param {{ share: number, low: number, high: number }} s */
export const percent = (s) =>
  `${(100 * s.share).toFixed(1)} [${(100 * s.low).toFixed(1)}, ${(100 * s.high).toFixed(1)}]`;

/** @param {readonly import('./score.mjs').Judged[]} judged */
const groupReport = (judged) => ({
  shares: shares(judged),
  ...Object.fromEntries(ATTRIBUTES.map((name) => [`by_${name}`, byLabel(judged, name)])),
  confusions: Object.fromEntries(ATTRIBUTES.map((name) => [name, confusions(judged, name)])),
});

/**
 * @param {object} r
 * @param {ReturnType<typeof import('../../dist/bench/machine.js').describeMachine>} r.machine
 * @param {object} r.setting model, dtype, seed, settings
 * @param {Record<'heldOut' | 'buses', readonly import('./score.mjs').Judged[]>} r.drawn
 * @param {Record<'heldOut' | 'buses', readonly import('./score.mjs').Judged[]>} r.rendered
 * @param {Awaited<ReturnType<typeof import('./upsampler.mjs').judgeUpsampler>> | undefined} r.upsampler
 * @param {number} r.seconds spent drawing
 * @param {number} r.priorMs of these, in steps of the prior
 */
export function makeReport({ machine, setting, drawn, rendered, upsampler, seconds, priorMs }) {
  const groups = (judged) => Object.fromEntries(Object.entries(judged).map(([name, j]) => [name, groupReport(j)]));
  const pictures = drawn.heldOut.length + drawn.buses.length;
  return {
    machine,
    setting,
    drawn: groups(drawn),
    rendered: groups(rendered),
    upsampler,
    seconds,
    picturesPerSecond: pictures / seconds,
    priorMsPerPicture: priorMs / pictures,
    pictures: [...drawn.heldOut, ...drawn.buses].map(({ wanted, seen }) => ({ ...wanted, seen })),
  };
}

/** @param {ReturnType<typeof makeReport>} r */
export function printReport(r) {
  const { setting } = r;
  const { prior, decoder, superRes } = setting.steps;
  const { guidance } = setting;
  const head = ['share right, % [95 %]', 'pictures', ...ATTRIBUTES, 'all three'];
  const row = (name, { shares: s }) => [
    name,
    String(s.all.of),
    ...ATTRIBUTES.map((a) => percent(s[a])),
    percent(s.all),
  ];
  const { heldOut, buses } = r.drawn;
  console.log(`${machineLines(r.machine).join('\n')}
model     ${setting.model} (${setting.modelHash.slice(0, 12)}), ${setting.dtype}, seed ${setting.seed}
steps     ${setting.prior} prior ${prior}, decoder ${decoder}, upsampler ${superRes}; guidance ${guidance.prior}, ${guidance.decoder}

${table(head, [
  row('drawn, held-out prompts', heldOut),
  row('drawn, green school buses', buses),
  row('real renders, held-out', r.rendered.heldOut),
  row('real renders, green buses', r.rendered.buses),
])}
The rows of real renders are what the checker itself gets right.

${ATTRIBUTES.map((name) => `all three right by ${name}: ${heldOut[`by_${name}`].map((l) => `${l.label} ${l.right}/${l.of}`).join(', ')}`).join('\n')}

${ATTRIBUTES.map((name) => confusionLine(name, heldOut.confusions[name])).join('\n')}
buses: ${ATTRIBUTES.map((name) => confusionLine(name, buses.confusions[name])).join('; ')}

${upsamplerLines(r.upsampler)}
speed     ${r.picturesPerSecond.toFixed(3)} pictures/s, ${r.seconds.toFixed(0)} s in all; the prior's steps take ${r.priorMsPerPicture.toFixed(0)} ms a picture`);
}

/** @param {ReturnType<typeof makeReport>['upsampler']} u */
const upsamplerLines = (u) =>
  u === undefined
    ? 'upsampler not measured: --pairs 0, or pictures of another size than the renders'
    : `upsampler ${u.psnr.toFixed(2)} dB PSNR on ${u.pairs} real pairs, bicubic ${u.bicubicPsnr.toFixed(2)} dB; mean colour moved by ${u.colourShift.toFixed(2)}/255 (bicubic ${u.bicubicColourShift.toFixed(2)})`;

/** @param {string} name @param {ReturnType<typeof confusions>} list */
export function confusionLine(name, list) {
  const shown = list.slice(0, TOP_CONFUSIONS).map((c) => `${c.wanted} seen as ${c.seen} ×${c.count}`);
  return `${name} confusions: ${shown.length === 0 ? 'none' : shown.join(', ')}`;
}
