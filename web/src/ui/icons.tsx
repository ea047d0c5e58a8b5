/** Drawings of 20×20, lines in the colour of the text around them. */
const PATHS = {
  sun: 'M10 6.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7M10 1.5v2M10 16.5v2M1.5 10h2M16.5 10h2M4 4l1.4 1.4M14.6 14.6 16 16M4 16l1.4-1.4M14.6 5.4 16 4',
  moon: 'M16.5 12.2A7 7 0 0 1 7.8 3.5a7 7 0 1 0 8.7 8.7Z',
  half: 'M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15v15M10 5.5h4M10 8.5h6.5M10 11.5h6.5M10 14.5h4.5',
  dice: 'M4.5 3h11A1.5 1.5 0 0 1 17 4.5v11a1.5 1.5 0 0 1-1.5 1.5h-11A1.5 1.5 0 0 1 3 15.5v-11A1.5 1.5 0 0 1 4.5 3ZM7 7h.01M13 7h.01M10 10h.01M7 13h.01M13 13h.01',
  again: 'M16 10a6 6 0 1 1-1.8-4.3M16 2.5v3.8h-3.8',
  vary: 'M3 3h6v6H3ZM11 11h6v6h-6ZM13.5 3.5 17 7M17 3v4h-4M6.5 16.5 3 13M3 17v-4h4',
  edit: 'M12.5 4.5l3 3L7 16l-4 1 1-4ZM11 6l3 3',
  download: 'M10 3v9.5M6 9l4 4 4-4M3.5 16.5h13',
  copy: 'M7 7h10v10H7ZM13 7V3H3v10h4',
  trash: 'M3.5 5.5h13M8 5.5V3.5h4v2M5 5.5l.8 11h8.4l.8-11M8.5 8.5v5M11.5 8.5v5',
  close: 'M5 5l10 10M15 5 5 15',
  left: 'M12.5 4 6.5 10l6 6',
  right: 'M7.5 4l6 6-6 6',
  play: 'M6 4l10 6-10 6Z',
  pause: 'M7 4v12M13 4v12',
  undo: 'M7.5 4 3.5 8l4 4M3.5 8H12a4.5 4.5 0 0 1 0 9H8',
  redo: 'M12.5 4l4 4-4 4M16.5 8H8a4.5 4.5 0 0 0 0 9h4',
  picture: 'M3 4h14v12H3ZM3 13.5l4-4 3.5 3.5 2.5-2 4 3.5M13.3 7.5h.01',
  brush: 'M16.8 3.2c-1-.9-6.8 4-8.8 6.8l2 2c2.8-2 7.7-7.8 6.8-8.8ZM7.5 11C5 11 6 15 3 16c2.5 1.2 7.2.8 6.5-3',
  eraser: 'M8 16.5 3 11.5l8-8 6 6-7 7ZM6.5 8l6 6M8 16.5h9',
  box: 'M3 7V3h4M13 3h4v4M17 13v4h-4M7 17H3v-4',
  plus: 'M10 4v12M4 10h12',
  minus: 'M4 10h12',
  expand: 'M11.5 3H17v5.5M17 3l-6 6M8.5 17H3v-5.5M3 17l6-6',
  invert: 'M10 2.5a7.5 7.5 0 1 0 0 15 7.5 7.5 0 0 0 0-15v15M10 2.5v15M12.5 5v10M15 6.5v7',
  compare: 'M10 2v16M3 5h4.5v10H3ZM12.5 5H17v10h-4.5',
  sliders: 'M3 6h8M15 6h2M3 14h2M9 14h8M13 4v4M7 12v4',
} as const;

export type IconName = keyof typeof PATHS;

export const Icon = ({ name }: { readonly name: IconName }) => (
  <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
    <path d={PATHS[name]} />
  </svg>
);
