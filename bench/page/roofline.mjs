// The roofline plot: kernels by arithmetic intensity and speed, under the measured peaks.
import { axis, bare, colour, colourOf, keys, plot } from './elements.mjs';
import { describe, plain, rate } from './numbers.mjs';

/** Best measured peak of each unit that kernels were held against (of all, without kernels), and bandwidth beyond caches. */
function roofs({ compute, memory }, rows) {
  const used = new Set(rows.map((row) => row.roof?.unit));
  const best = new Map();
  for (const p of compute)
    if (rows.length === 0 || used.has(p.unit)) best.set(p.unit, Math.max(best.get(p.unit) ?? 0, p.value));
  return { peaks: [...best], bandwidth: memory.find((p) => p.beyondCache)?.value };
}

export function drawRoofline(parent, roofline, rows) {
  const points = rows.filter((row) => row.status === 'ok' && row.flops > 0);
  const { peaks, bandwidth } = roofs(roofline, points);
  if (bandwidth === undefined || peaks.length === 0) return;
  const used = [...new Set(points.map((row) => row.variant))];
  keys(
    parent,
    used.map((v) => [v, colourOf(v)]),
  );
  const xs = [...points.map((row) => row.intensity), ...peaks.map(([, peak]) => peak / bandwidth), 0.1, 100];
  const [low, high] = [Math.min(...xs) / 1.5, Math.max(...xs) * 4];
  const ys = [...points.map((row) => row.gflops), ...peaks.map(([, peak]) => peak)];
  const bounds = [Math.min(...ys) / 2, Math.max(...ys) * 2];
  const samples = Array.from({ length: 101 }, (_, i) => low * (high / low) ** (i / 100));
  const corners = peaks.map(([, peak]) => peak / bandwidth);
  const entries = [
    ...[...samples, ...corners].map((x) => ({ x })),
    ...points.map((row) => ({ x: row.intensity, row })),
  ].sort((a, b) => a.x - b.x);
  const roofAt = (peak) => entries.map(({ x, row }) => (row ? null : Math.min(peak, x * bandwidth)));
  const pointsOf = (variant) => entries.map(({ row }) => (row?.variant === variant ? row.gflops : null));

  plot(parent, (width) => ({
    data: [entries.map((e) => e.x), ...peaks.map(([, peak]) => roofAt(peak)), ...used.map(pointsOf)],
    options: {
      ...bare,
      width,
      height: Math.round(Math.min(520, Math.max(320, width * 0.5))),
      scales: { x: { time: false, distr: 3, range: [low, high] }, y: { distr: 3, range: bounds } },
      axes: [
        {
          ...axis(),
          label: 'arithmetic intensity, FLOP per byte',
          size: 40,
          values: (_u, vs) => vs.map((v) => v && plain(v)),
        },
        { ...axis(), label: 'GFLOP/s', size: 56, values: (_u, vs) => vs.map((v) => v && plain(v)) },
      ],
      series: [
        {},
        ...peaks.map(() => ({
          stroke: colour('--quiet'),
          width: 1.5,
          pxAlign: 0,
          spanGaps: true,
          points: { show: false },
        })),
        ...used.map((v) => ({
          paths: () => null,
          points: {
            show: true,
            size: width < 600 ? 6 : 8,
            width: 1,
            stroke: colour('--card'),
            fill: colour(colourOf(v)),
          },
        })),
      ],
      hooks: { draw: [(u) => labelRoofs(u, peaks)] },
    },
    tell(u, left, top) {
      let [found, best] = [undefined, 18 ** 2];
      for (const row of points) {
        const [dx, dy] = [u.valToPos(row.intensity, 'x') - left, u.valToPos(row.gflops, 'y') - top];
        if (dx * dx + dy * dy < best) [found, best] = [row, dx * dx + dy * dy];
      }
      return found && describe(found);
    },
  }));
}

/** The name and height of each roof, at the right end over its line. */
function labelRoofs(u, peaks) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.fillStyle = colour('--ink');
  ctx.textAlign = 'right';
  ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
  for (const [unit, peak] of peaks) {
    const unitName = /i(nt)?8$/.test(unit) ? 'OP/s' : 'FLOP/s';
    const y = u.valToPos(peak, 'y', true) - 5 * devicePixelRatio;
    ctx.fillText(`${unit} ${rate(peak, unitName)}`, bbox.left + bbox.width - 6 * devicePixelRatio, y);
  }
  ctx.restore();
}
