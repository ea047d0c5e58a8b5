// Horizontal bars.
import { axis, bare, colour, plot } from './elements.mjs';

const ROW = 22;

/**
 * Horizontal bars under titles: groups [{ title, bars: [{ label, value, colour, tip }] }]. A title takes a row of its own, so that
 * labels stay short on a narrow screen.
 */
export function drawBars(parent, groups, { format, label }) {
  const rows = groups.flatMap(({ title, bars }) => [{ title }, ...bars]);
  const most = Math.max(...rows.map((row) => row.value ?? 0), 1e-9);
  const colours = [...new Set(rows.map((row) => row.colour).filter(Boolean))];
  plot(parent, (width) => ({
    data: [rows.map((_, i) => i), ...colours.map((c) => rows.map((row) => (row.colour === c ? row.value : null)))],
    options: {
      ...bare,
      width,
      height: rows.length * ROW + 56,
      scales: {
        x: { time: false, ori: 1, dir: -1, range: [-0.5, rows.length - 0.5] },
        y: { ori: 0, dir: 1, range: [0, most * 1.02] },
      },
      axes: [
        {
          ...axis(),
          side: 3,
          grid: { show: false },
          ticks: { show: false },
          size: labelWidth(rows),
          splits: () => rows.map((_, i) => i),
          values: () => rows.map((row) => row.label ?? ''),
        },
        { ...axis(), side: 2, label, size: 34, space: 70, values: (_u, vs) => vs.map(format) },
      ],
      series: [
        {},
        ...colours.map((c) => ({
          fill: colour(c),
          stroke: colour(c),
          width: 0,
          paths: uPlot.paths.bars({ size: [0.72, ROW] }),
          points: { show: false },
        })),
      ],
      hooks: { draw: [(u) => writeTitles(u, rows)] },
    },
    tell: (u, _left, top) => rows[Math.round(u.posToVal(top, 'x'))]?.tip,
  }));
}

function labelWidth(rows) {
  const context = document.createElement('canvas').getContext('2d');
  context.font = '12px system-ui, sans-serif';
  return Math.ceil(Math.max(...rows.map((row) => context.measureText(row.label ?? '').width))) + 12;
}

function writeTitles(u, rows) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.fillStyle = colour('--ink');
  ctx.font = `600 ${12 * devicePixelRatio}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  rows.forEach(({ title }, i) => {
    if (title !== undefined) ctx.fillText(title, bbox.left + 4 * devicePixelRatio, u.valToPos(i, 'x', true));
  });
  ctx.restore();
}
