// Parts of the page, and plots that follow its width and colours. `uPlot` is a global: the library is part of the page.

export const report = JSON.parse(document.getElementById('report').textContent);
export const main = document.querySelector('main');
const tip = document.getElementById('tip');
/** Everything that is drawn on a canvas: done again when the width or the colour scheme changes. */
export const drawings = [];
export const drawAll = () => {
  for (const draw of drawings) draw();
};

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const variants = [
  ...new Set([...(report.kernels ?? []), ...(report.shapes?.rows ?? [])].map((row) => row.variant)),
];
export const colourOf = (variant) => `--v${Math.max(0, variants.indexOf(variant)) % 12}`;

export function element(tag, text, parent, attributes = {}) {
  const made = Object.assign(document.createElement(tag), attributes);
  if (text !== undefined) made.textContent = text;
  parent?.append(made);
  return made;
}

export function section(title, text) {
  const made = element('section', undefined, main);
  element('h2', title, made);
  if (text !== undefined) element('p', text, made);
  return made;
}

export function table(parent, head, rows, broken = () => false) {
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

/** A part that opens on demand; what it holds is drawn when it does. */
export function folded(parent, title, open = false) {
  const made = element('details', undefined, parent, { open });
  element('summary', title, made);
  made.addEventListener('toggle', () => drawAll());
  return made;
}

export function keys(parent, entries) {
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
export function plot(parent, make) {
  const frame = element('div', undefined, parent, { className: 'plot' });
  let current;
  drawings.push(() => {
    current?.destroy();
    current = undefined;
    if (frame.clientWidth === 0) return;
    const { options, data, tell } = make(Math.floor(frame.clientWidth));
    current = new uPlot(options, data, frame);
    current.over.addEventListener('pointermove', (event) => {
      const { left, top } = current.over.getBoundingClientRect();
      showTip(tell(current, event.clientX - left, event.clientY - top), event);
    });
    current.over.addEventListener('pointerleave', () => showTip(undefined));
  });
}

export const axis = () => ({
  stroke: colour('--quiet'),
  grid: { stroke: colour('--line'), width: 1 },
  ticks: { stroke: colour('--line'), width: 1 },
  font: '12px system-ui, sans-serif',
  labelFont: '12px system-ui, sans-serif',
});
export const bare = {
  legend: { show: false },
  cursor: { x: false, y: false, drag: { x: false, y: false }, points: { show: false } },
};
