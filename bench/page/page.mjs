// The page that `unclip bench --html` writes: draws the report that lies in it. bench/README.md has the report's schema.
import { drawBars } from './bars.mjs';
import { colourOf, drawAll, drawings, element, folded, keys, report, section, table, variants } from './elements.mjs';
import { describe, digits, error, percent, plain, rate, spread, time } from './numbers.mjs';
import { drawRoofline } from './roofline.mjs';

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
    ...roofline.compute.map((p) => [
      p.name,
      rate(p.value, /i(nt)?8$/.test(p.unit) ? 'OP/s' : 'FLOP/s'),
      time(p.ms.median),
    ]),
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
    'Medians of timed runs that take turns with sets of operands; every result checked against fp64.',
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
      const part = folded(place, op, op === good[0].op);
      const groups = grouped(own, (row) => row.case).map(([name, list]) => ({
        title: name.slice(op.length + 1),
        bars: list.map((row) => ({
          label: `${row.dtype} ${row.variant}`,
          value: value(row) ?? null,
          colour: colourOf(row.variant),
          tip: describe(row),
        })),
      }));
      drawBars(part, groups, { format, label: choice.value });
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
    `${shapes.model}, ${shapes.dtype}, weights ${shapes.weights}, batch ${shapes.batch}: ${shapes.rows.length} distinct shapes, ${time(shapes.msPerPicture)} of GPU time a picture. Each bar: its share of that.`,
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
  const made = section(
    'Steps',
    `${steps.model}, ${steps.dtype}, weights ${steps.weights}, batch ${steps.batch}: one replay of each program.`,
  );
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
    `${setting.model}, ${setting.dtype}, weights ${setting.weights}, batch ${setting.batch}: ${time(e2e.totalMs)} for a batch.`,
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

drawAll();
let width = innerWidth;
addEventListener('resize', () => {
  if (innerWidth === width) return;
  width = innerWidth;
  drawAll();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll);
