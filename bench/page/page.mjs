// The script of the page that `unclip bench --html` writes: reads the report in the page and draws it. README.md has its schema.
// `uPlot` is a global: the library is part of the page.

const report = JSON.parse(document.getElementById('report').textContent);
const main = document.querySelector('main');
const tip = document.getElementById('tip');
/** Everything that is drawn on a canvas: done again when the width or the colour scheme changes. */
const drawings = [];

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const variants = [...new Set([...(report.kernels ?? []), ...(report.shapes?.rows ?? [])].map((row) => row.variant))];
const colourOf = (variant) => `--v${Math.max(0, variants.indexOf(variant)) % 8}`;

// --- numbers -------------------------------------------------------------------------------------------------------

const digits = (v) => (v >= 100 ? v.toFixed(0) : v >= 10 ? v.toFixed(1) : v >= 1 ? v.toFixed(2) : v.toPrecision(2));
const plain = (v) => (v === undefined || v === null ? '–' : v === 0 ? '0' : digits(v));
const rate = (gflops, unit = 'FLOP/s') =>
  gflops >= 1000 ? `${digits(gflops / 1000)} T${unit}` : `${digits(gflops)} G${unit}`;
function time(ms) {
  if (ms === undefined) return '–';
  if (ms < 1) return `${digits(ms * 1e3)} µs`;
  return ms < 1000 ? `${digits(ms)} ms` : `${digits(ms / 1e3)} s`;
}
const spread = (s) => (s === undefined ? '–' : `${time(s.p10)} to ${time(s.p90)}`);
const percent = (share) => (share === undefined ? '–' : `${(100 * share).toFixed(1)} %`);
const error = (e) => (e === undefined ? '–' : e.relL2 === null ? 'NaN' : e.relL2.toExponential(1));

/** What is said of a kernel when the pointer is on it. */
const describe = (row) =>
  [
    row.name,
    `${row.variant}, ${row.dtype}${Object.entries(row.tuning).map(([k, v]) => `, ${k} ${v}`)}`,
    `${time(row.ms?.median)} (${spread(row.ms)}, ${row.ms?.runs} runs)`,
    `${rate(row.gflops)}, ${digits(row.gbs)} GB/s, ${plain(row.intensity)} FLOP/B`,
    row.roof &&
      `${row.roof.percent.toFixed(0)} % of the ${row.roof.bound === 'memory' ? 'memory' : row.roof.unit} roof`,
    `error ${error(row.error)} (relative L2)`,
  ]
    .filter(Boolean)
    .join('\n');

// --- page ----------------------------------------------------------------------------------------------------------

function element(tag, text, parent, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes);
  if (text !== undefined) made.textContent = text;
  parent?.append(made);
  return made;
}

function section(title, text) {
  const made = element('section', undefined, main);
  element('h2', title, made);
  if (text !== undefined) element('p', text, made);
  return made;
}

function table(parent, head, rows, broken = () => false) {
  const made = element('table', undefined, element('div', undefined, parent, { className: 'wide' }));
  const line = (tag, cells, className = '') => {
    const row = element('tr', undefined, made, { className });
    for (const cell of cells) element(tag, cell, row);
  };
  line('th', head);
  rows.forEach((cells, i) => {
    line('td', cells, broken(i) ? 'wrong' : '');
  });
}

function folded(parent, title) {
  const made = element('details', undefined, parent);
  element('summary', title, made);
  return made;
}

function keys(parent, entries) {
  const list = element('ul', undefined, parent, { className: 'keys' });
  for (const [name, variable] of entries) {
    const item = element('li', undefined, list);
    element('span', undefined, item).style.background = `var(${variable})`;
    item.append(name);
  }
}

function showTip(text, event) {
  tip.hidden = text === undefined;
  if (text === undefined) return;
  tip.textContent = text;
  const { width, height } = tip.getBoundingClientRect();
  const left = event.clientX + 14 + width > innerWidth ? event.clientX - width - 14 : event.clientX + 14;
  tip.style.left = `${Math.max(4, left)}px`;
  tip.style.top = `${Math.max(4, Math.min(event.clientY + 14, innerHeight - height - 4))}px`;
}

/** A plot that fills its parent's width; `make(width)` gives uPlot's options and data, and what to say at a pointer's place. */
function plot(parent, make) {
  const frame = element('div', undefined, parent, { className: 'plot' });
  let current;
  drawings.push(() => {
    current?.destroy();
    const { options, data, tell } = make(Math.floor(frame.clientWidth));
    current = new uPlot(options, data, frame);
    current.over.addEventListener('pointermove', (event) => {
      const { left, top } = current.over.getBoundingClientRect();
      showTip(tell(current, event.clientX - left, event.clientY - top), event);
    });
    current.over.addEventListener('pointerleave', () => showTip(undefined));
  });
}

const axis = () => ({
  stroke: colour('--quiet'),
  grid: { stroke: colour('--line'), width: 1 },
  ticks: { stroke: colour('--line'), width: 1 },
  font: '12px system-ui, sans-serif',
  labelFont: '12px system-ui, sans-serif',
});
const bare = {
  legend: { show: false },
  cursor: { x: false, y: false, drag: { x: false, y: false }, points: { show: false } },
};

// --- roofline ------------------------------------------------------------------------------------------------------

/** Best measured peak of each unit, and bandwidth beyond caches. */
function roofs({ compute, memory }) {
  const best = new Map();
  for (const p of compute) best.set(p.unit, Math.max(best.get(p.unit) ?? 0, p.value));
  return { peaks: [...best], bandwidth: memory.find((p) => p.beyondCache)?.value };
}

function drawRoofline(parent, roofline, rows) {
  const points = rows.filter((row) => row.status === 'ok' && row.flops > 0);
  const { peaks, bandwidth } = roofs(roofline);
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
        ...peaks.map(() => ({ stroke: colour('--quiet'), width: 1.5, spanGaps: true, points: { show: false } })),
        ...used.map((v) => ({
          paths: () => null,
          points: { show: true, size: 8, width: 1, stroke: colour('--card'), fill: colour(colourOf(v)) },
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
    const unitName = unit === 'int8' ? 'OP/s' : 'FLOP/s';
    const y = u.valToPos(peak, 'y', true) - 5 * devicePixelRatio;
    ctx.fillText(`${unit} ${rate(peak, unitName)}`, bbox.left + bbox.width - 6 * devicePixelRatio, y);
  }
  ctx.restore();
}

// --- bars ----------------------------------------------------------------------------------------------------------

const ROW = 22;

/**
 * Horizontal bars under titles: groups [{ title, bars: [{ label, value, colour, tip }] }]. A title takes a row of its own, so that
 * labels stay short on a narrow screen.
 */
function drawBars(parent, groups, { format, label }) {
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
  ctx.textBaseline = 'middle';
  rows.forEach(({ title }, i) => {
    if (title !== undefined) ctx.fillText(title, bbox.left + 4 * devicePixelRatio, u.valToPos(i, 'x', true));
  });
  ctx.restore();
}

const METRICS = {
  'percent of the measured roof': { value: (row) => row.roof?.percent, format: (v) => `${plain(v)} %` },
  'GFLOP/s': { value: (row) => row.gflops, format: plain },
  'GB/s': { value: (row) => row.gbs, format: plain },
  'time, ms': { value: (row) => row.ms?.median, format: plain },
};

function grouped(rows, key) {
  const groups = new Map();
  for (const row of rows) groups.set(key(row), [...(groups.get(key(row)) ?? []), row]);
  return [...groups];
}

// --- sections ------------------------------------------------------------------------------------------------------

const KERNEL_HEAD = ['kernel', 'time', '10 % to 90 %', 'GFLOP/s', 'GB/s', 'FLOP/B', 'of roof', 'rel L2'];
const kernelCells = (row) =>
  row.status === 'ok'
    ? [
        row.name,
        time(row.ms.median),
        spread(row.ms),
        plain(row.gflops),
        plain(row.gbs),
        plain(row.intensity),
        row.roof ? `${row.roof.percent.toFixed(0)} % ${row.roof.bound === 'memory' ? 'memory' : row.roof.unit}` : '–',
        error(row.error),
      ]
    : [row.name, row.status.toUpperCase(), row.message ?? '', '', '', plain(row.intensity), '', error(row.error)];
const isBroken = (row) => row.status === 'wrong' || row.status === 'failed';

function rooflineSection(roofline, rows) {
  const made = section(
    'Roofline',
    'Peaks that this adapter was measured to reach, and how near kernels come. Pointer on a point: its figures.',
  );
  drawRoofline(made, roofline, rows);
  const peaks = [
    ...roofline.compute.map((p) => [p.name, rate(p.value, p.unit === 'int8' ? 'OP/s' : 'FLOP/s'), time(p.ms.median)]),
    ...roofline.memory.map((p) => [
      p.beyondCache ? `${p.name}, beyond caches` : p.name,
      `${digits(p.value)} GB/s`,
      time(p.ms.median),
    ]),
  ];
  table(folded(made, 'Measured peaks'), ['loop', 'peak', 'time'], peaks);
}

function kernelSection(rows) {
  const made = section(
    'Kernels',
    'Medians of timed runs over operands that no cache holds; every result checked against fp64.',
  );
  keys(
    made,
    variants.map((v) => [v, colourOf(v)]),
  );
  const choice = element('select', undefined, element('label', 'Bars: ', made));
  const good = rows.filter((row) => row.status === 'ok');
  for (const name of Object.keys(METRICS))
    if (good.some((row) => METRICS[name].value(row) !== undefined)) element('option', name, choice);
  const place = element('div', undefined, made);
  const fill = () => {
    const before = drawings.length;
    place.replaceChildren();
    const { value, format } = METRICS[choice.value];
    for (const [op, own] of grouped(good, (row) => row.op)) {
      element('h3', op, place);
      const groups = grouped(own, (row) => row.case).map(([name, list]) => ({
        title: name.slice(op.length + 1),
        bars: list.map((row) => ({
          label: `${row.dtype} ${row.variant}`,
          value: value(row) ?? null,
          colour: colourOf(row.variant),
          tip: describe(row),
        })),
      }));
      drawBars(place, groups, { format, label: choice.value });
    }
    return drawings.splice(before);
  };
  let own = [];
  drawings.push(() => {
    for (const draw of own) draw();
  });
  own = good.length === 0 ? [] : fill();
  choice.addEventListener('change', () => {
    own = fill();
    for (const draw of own) draw();
  });
  table(folded(made, 'All figures'), KERNEL_HEAD, rows.map(kernelCells), (i) => isBroken(rows[i]));
}

/** Rows of the bar plot of shapes: the rest is in the table. */
const TOP_SHAPES = 25;

function shapesSection(shapes) {
  const made = section(
    'Shapes',
    `${shapes.model}, ${shapes.dtype}, batch ${shapes.batch}: ${shapes.rows.length} distinct shapes, ${time(shapes.msPerPicture)} of GPU time a picture. Each bar: its share of that.`,
  );
  keys(
    made,
    [...new Set(shapes.rows.map((row) => row.variant))].map((v) => [v, colourOf(v)]),
  );
  const bars = shapes.rows.slice(0, TOP_SHAPES).filter((row) => row.share !== undefined);
  const groups = bars.map((row) => ({
    title: row.name,
    bars: [
      {
        label: percent(row.share),
        value: 100 * row.share,
        colour: colourOf(row.variant),
        tip: `${describe(row)}\n${row.callsPerBatch} calls in ${row.programs.join(', ')}\n${percent(row.cumulative)} with all above it`,
      },
    ],
  }));
  if (groups.length > 0) drawBars(made, groups, { format: (v) => `${plain(v)} %`, label: 'share of GPU time' });
  const cells = (row) => [
    ...kernelCells(row),
    row.variant,
    String(row.callsPerBatch),
    time(row.msPerPicture),
    percent(row.share),
    percent(row.cumulative),
  ];
  const head = [...KERNEL_HEAD, 'variant', 'calls', 'a picture', 'share', 'sum'];
  table(folded(made, 'All shapes'), head, shapes.rows.map(cells), (i) => isBroken(shapes.rows[i]));
}

function stepsSection(steps) {
  const made = section('Steps', `${steps.model}, ${steps.dtype}, batch ${steps.batch}: one replay of each program.`);
  const groups = steps.rows.map((row) => ({
    title: row.program,
    bars: [
      {
        label: time((row.gpuMs ?? row.wallMs).median),
        value: (row.gpuMs ?? row.wallMs).median,
        colour: '--v0',
        tip: `${row.program}\n${spread(row.gpuMs ?? row.wallMs)}\n${rate(row.gflops)}, ${digits(row.gbs)} GB/s`,
      },
    ],
  }));
  drawBars(made, groups, { format: plain, label: 'ms a replay' });
  const head = ['program', 'runs', 'dispatches', 'GPU', 'wall', 'encode, µs', 'submit, µs', 'GFLOP', 'GFLOP/s', 'GB/s'];
  const rows = steps.rows.map((row) => [
    ...[
      row.program,
      String(row.runsPerBatch),
      String(row.dispatches),
      time(row.gpuMs?.median),
      time(row.wallMs.median),
    ],
    ...[row.encodeUs.toFixed(0), row.submitUs.toFixed(0), plain(row.flops / 1e9), plain(row.gflops), plain(row.gbs)],
  ]);
  table(made, head, rows);
}

function endToEndSection(e2e) {
  const { setting } = e2e;
  const made = section(
    'Whole pictures',
    `${setting.model}, ${setting.dtype}, batch ${setting.batch}: ${time(e2e.totalMs)} for a batch.`,
  );
  const groups = e2e.stages.map((s) => ({
    title: s.stage,
    bars: [
      {
        label: time(s.wallMs),
        value: s.wallMs,
        colour: '--v0',
        tip: `${s.stage}: ${s.steps} steps of ${time(s.stepMs)}\nGPU ${time(s.gpuMs)} a step, JavaScript ${percent(s.jsShare)}`,
      },
    ],
  }));
  drawBars(made, groups, { format: plain, label: 'ms a batch' });
  const word = (pass) => (pass === undefined ? '–' : pass ? 'pass' : 'FAIL');
  table(
    made,
    ['bar', 'measured', 'verdict'],
    e2e.verdicts.map((v) => [v.bar, v.measured, word(v.pass)]),
    (i) => e2e.verdicts[i].pass === false,
  );
}

function header({ machine, interrupted }) {
  const { adapter } = machine;
  document.title = `unclip bench: ${adapter.name}`;
  document.getElementById('adapter').textContent = `${adapter.name}${adapter.software ? ' (software)' : ''}`;
  const facts = {
    driver: adapter.driver,
    processor: `${machine.cpu}, ${machine.cores} cores`,
    measured: machine.date.replace('T', ' ').slice(0, 16).concat(' UTC'),
    'load before': machine.loadAverage.toFixed(2),
    unclip: `${machine.unclip}, kernels ${machine.kernels}`,
    'Node, Dawn': `${machine.node}, npm webgpu ${machine.dawn}`,
    subgroups: adapter.subgroupSize === 0 ? 'size not fixed' : `of ${adapter.subgroupSize}`,
    matrices: adapter.matrixConfigs.join(', ') || 'none',
  };
  const list = document.getElementById('machine');
  for (const [name, value] of Object.entries(facts)) {
    const item = element('div', undefined, list);
    element('dt', name, item);
    element('dd', value, item);
  }
  const broken = [...(report.kernels ?? []), ...(report.shapes?.rows ?? [])].filter(isBroken);
  const notes = broken.map((row) => `${row.status.toUpperCase()}: ${row.name} ${row.variant} ${row.message ?? ''}`);
  if (machine.loadAverage > machine.cores / 2)
    notes.push('The machine was busy with other work: times are upper bounds.');
  if (interrupted) notes.push('The run was interrupted: what is here was measured before.');
  const notice = document.getElementById('notice');
  notice.hidden = notes.length === 0;
  notice.textContent = notes.join('\n');
}

header(report);
if (report.roofline) rooflineSection(report.roofline, [...(report.kernels ?? []), ...(report.shapes?.rows ?? [])]);
if (report.kernels?.length) kernelSection(report.kernels);
if (report.shapes) shapesSection(report.shapes);
if (report.steps) stepsSection(report.steps);
if (report.e2e) endToEndSection(report.e2e);

const drawAll = () => {
  for (const draw of drawings) draw();
};
drawAll();
let width = innerWidth;
addEventListener('resize', () => {
  if (innerWidth === width) return;
  width = innerWidth;
  drawAll();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
