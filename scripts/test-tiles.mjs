// npm run test:tiles [-- arguments for vitest]: the kernel tests with every tile size for every case, which takes about an hour on
// a CPU driver that compiles them for the first time; `npm test` tries each size once.
process.env.UNCLIP_TEST_ALL_TILES = '1';
process.argv.splice(2, 0, 'test/ops');
await import('./test.mjs');
