/** What the illustrated world consists of, and the words for it. The order is the label order of every classifier head. */

export const THINGS = ['ball', 'cube', 'cone', 'star', 'school bus', 'car', 'sofa', 'lamp', 'tree', 'house'];

export const COLOURS = ['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'pink', 'white'];

export const PLACES = ['parking lot', 'table', 'living room', 'grass', 'beach', 'night sky'];

export const RELATIONS = ['left of', 'right of', 'on top of'];

export const STYLES = ['flat', 'pixel art', 'pencil sketch'];

/** @type {Record<string, string>} sRGB of a colour's body before its shade is jittered */
export const COLOUR_HEX = {
  red: '#dc2626',
  orange: '#ff8a14',
  yellow: '#ffdc1a',
  green: '#15963c',
  blue: '#2258e0',
  purple: '#7a28b4',
  pink: '#ff8ac6',
  white: '#fafafa',
};

/** @type {Record<string, string[]>} other names a caption may use for a thing */
export const THING_WORDS = {
  ball: ['ball', 'ball', 'ball', 'sphere'],
  cube: ['cube', 'cube', 'cube', 'box'],
  cone: ['cone'],
  star: ['star'],
  'school bus': ['school bus', 'school bus', 'school bus', 'bus'],
  car: ['car'],
  sofa: ['sofa', 'sofa', 'sofa', 'couch'],
  lamp: ['lamp'],
  tree: ['tree'],
  house: ['house'],
};

/** @type {Record<string, string[]>} how a caption says that something is at a place */
export const PLACE_PHRASES = {
  'parking lot': ['in a parking lot', 'in the parking lot', 'on a parking lot', 'standing in a parking lot'],
  table: ['on a table', 'on the table', 'on top of a table', 'standing on a wooden table'],
  'living room': ['in a living room', 'in the living room', 'inside a living room', 'standing in the living room'],
  grass: ['on the grass', 'on grass', 'on green grass', 'standing on the grass'],
  beach: ['on the beach', 'on a beach', 'at the beach', 'standing on the sand of a beach'],
  'night sky': ['in the night sky', 'in a night sky', 'floating in the night sky', 'under the night sky'],
};
