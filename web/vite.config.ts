import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

/** The page that `unclip serve` serves; scripts/steps/page.mjs builds it. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  // Addresses relative to the page's own, so that a proxy may put it below a path.
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: false,
    // Everything is a file: the content security policy lets no data: in but pictures.
    assetsInlineLimit: 0,
  },
  // `npx vite web` serves the sources, and asks a service that runs beside it.
  server: { proxy: { '/v1': 'http://127.0.0.1:8000' } },
});
