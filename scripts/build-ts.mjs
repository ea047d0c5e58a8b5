// npm run build: compiles the TypeScript and builds the page, whether or not they are up to date.
import { buildPage } from './steps/page.mjs';
import { compile } from './steps/typescript.mjs';

try {
  await compile();
  await buildPage();
} catch (error) {
  process.stderr.write(`${error.output ?? ''}${error.message}\n`);
  process.exit(1);
}
