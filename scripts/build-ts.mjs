// npm run build: compiles the TypeScript, whether or not it is up to date.
import { compile } from './steps/typescript.mjs';

try {
  await compile();
} catch (error) {
  process.stderr.write(`${error.output ?? ''}${error.message}\n`);
  process.exit(1);
}
