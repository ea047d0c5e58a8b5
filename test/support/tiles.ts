const ALL = process.env.UNCLIP_TEST_ALL_TILES === '1';

/**
 * All tiles in `npm run test:tiles`; else, where there are many, every third, a different third for each case of a test, since
 * compiling one takes seconds on CPU drivers.
 */
export const someTiles = <T>(tiles: readonly T[], turn: number): readonly T[] =>
  ALL || tiles.length < 6 ? tiles : tiles.filter((_, i) => i % 3 === turn % 3);
