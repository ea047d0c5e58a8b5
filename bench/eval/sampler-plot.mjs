import sharp from 'sharp';

const PANEL = { width: 430, height: 300, left: 64, top: 48, gap: 96 };
const WIDTH = 2 * (PANEL.left + PANEL.width) + PANEL.gap - 40;
const HEIGHT = PANEL.top + PANEL.height + 96;
/** Okabe and Ito's colours: told apart also by people who do not see red or green. Their own card, for light and dark pages. */
const COLOURS = ['#000000', '#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00'];
const CARD = '#fbfaf7';

/** @typedef {import('./sampler-report.mjs').SamplerReport} SamplerReport */

/** @param {string} text */
const escapeXml = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

/**
 * One panel: curves over the number of steps, which is spread by its logarithm.
 * @param {{ x: number, title: string, curves: { name: string, colour: string, dashed: boolean, points: { steps: number, y: number, low?: number, high?: number }[] }[], ticks: number[], format: (v: number) => string, line?: { y: number, name: string } }} o
 */
function panel({ x, title, curves, ticks, format, line }) {
  const steps = [...new Set(curves.flatMap((c) => c.points.map((p) => p.steps)))].sort((a, b) => a - b);
  const [first, last] = [Math.log(steps[0]), Math.log(steps[steps.length - 1])];
  const px = (n) => x + 12 + ((Math.log(n) - first) / (last - first)) * (PANEL.width - 24);
  const [low, high] = [ticks[0], ticks[ticks.length - 1]];
  const py = (v) => PANEL.top + PANEL.height * (1 - (Math.min(high, Math.max(low, v)) - low) / (high - low));
  const bottom = PANEL.top + PANEL.height;
  const parts = [`<text x="${x}" y="26" font-size="15" font-weight="bold">${escapeXml(title)}</text>`];
  for (const v of ticks)
    parts.push(
      `<line x1="${x}" x2="${x + PANEL.width}" y1="${py(v)}" y2="${py(v)}" stroke="#d8d4cb"/>`,
      `<text x="${x - 8}" y="${py(v) + 5}" text-anchor="end">${format(v)}</text>`,
    );
  for (const n of steps) parts.push(`<text x="${px(n)}" y="${bottom + 20}" text-anchor="middle">${n}</text>`);
  parts.push(`<text x="${x + PANEL.width / 2}" y="${bottom + 40}" text-anchor="middle">steps of the decoder</text>`);
  if (line !== undefined)
    parts.push(
      `<line x1="${x}" x2="${x + PANEL.width}" y1="${py(line.y)}" y2="${py(line.y)}" stroke="#777" stroke-dasharray="2 4"/>`,
      `<text x="${x + PANEL.width}" y="${py(line.y) - 6}" text-anchor="end" fill="#555">${escapeXml(line.name)}</text>`,
    );
  for (const { colour, dashed, points } of curves) {
    for (const p of points)
      if (p.low !== undefined)
        parts.push(
          `<line x1="${px(p.steps)}" x2="${px(p.steps)}" y1="${py(p.low)}" y2="${py(p.high)}" stroke="${colour}" stroke-opacity="0.35" stroke-width="5"/>`,
        );
    parts.push(
      `<polyline fill="none" stroke="${colour}" stroke-width="2.5" ${dashed ? 'stroke-dasharray="7 5"' : ''} points="${points.map((p) => `${px(p.steps)},${py(p.y)}`).join(' ')}"/>`,
      ...points.map((p) => `<circle cx="${px(p.steps)}" cy="${py(p.y)}" r="4" fill="${colour}"/>`),
    );
  }
  return parts.join('\n');
}

/** Multiples of `step` from below the least value to above the largest. @param {readonly number[]} values @param {number} step */
function ticksOf(values, step) {
  const [from, to] = [Math.floor(Math.min(...values) / step), Math.ceil(Math.max(...values) / step)];
  return Array.from({ length: to - from + 1 }, (_, i) => Number(((from + i) * step).toFixed(6)));
}

/** Quality against steps, and distance from the exact flow against steps. @param {SamplerReport} report @param {string} path a WebP or PNG file */
export async function writeSamplerPlot({ curves, real }, path) {
  const styled = curves.map((c, i) => ({ ...c, colour: COLOURS[i % COLOURS.length], dashed: c.name.includes(',') }));
  // Only what all prompts were drawn with can be compared by the checker.
  const most = Math.max(...curves.flatMap((c) => c.points.map((p) => p.pictures)));
  const judged = styled
    .filter((c) => c.points.every((p) => p.pictures === most))
    .map((c) => ({
      ...c,
      points: c.points.map((p) => ({
        steps: p.steps,
        y: p.probability,
        low: p.probability - p.probabilityError,
        high: p.probability + p.probabilityError,
      })),
    }));
  const flow = styled
    .map((c) => ({
      ...c,
      points: c.points.filter((p) => p.psnr !== undefined).map((p) => ({ steps: p.steps, y: p.psnr })),
    }))
    .filter((c) => c.points.length > 0);
  const heights = [...judged.flatMap((c) => c.points.flatMap((p) => [p.low, p.high])), real.probability + 0.02];
  const panels = [
    panel({
      x: PANEL.left,
      title: `Probability of the wanted, by the checker (${most} prompts)`,
      curves: judged,
      ticks: ticksOf(heights, 0.1),
      format: (v) => v.toFixed(1),
      line: { y: real.probability, name: 'real renders' },
    }),
  ];
  if (flow.length > 0)
    panels.push(
      panel({
        x: PANEL.left + PANEL.width + PANEL.gap,
        title: 'PSNR against the exact flow, dB',
        curves: flow,
        ticks: ticksOf(
          flow.flatMap((c) => c.points.map((p) => p.y)),
          5,
        ),
        format: String,
      }),
    );
  let at = PANEL.left;
  const legend = styled.map((c) => {
    const text = `<line x1="${at}" x2="${at + 26}" y1="${HEIGHT - 20}" y2="${HEIGHT - 20}" stroke="${c.colour}" stroke-width="2.5" ${c.dashed ? 'stroke-dasharray="7 5"' : ''}/><text x="${at + 32}" y="${HEIGHT - 15}">${escapeXml(c.name)}</text>`;
    at += 60 + 9 * c.name.length;
    return text;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="14" fill="#222"><rect width="100%" height="100%" rx="8" fill="${CARD}"/>${[...panels, ...legend].join('\n')}</svg>`;
  await sharp(Buffer.from(svg), { density: 108 }).toFile(path);
}
