// npm run test:matrix [-- arguments for vitest]: the tests of the kernels for matrix units, as `npm test` runs tests, on an adapter
// that has such units; on any other it fails instead of skipping them.
process.env.UNCLIP_REQUIRE_MATRIX = '1';
process.argv.splice(2, 0, 'test/matrix');
await import('./test.mjs');
