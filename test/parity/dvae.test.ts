import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { checkParity } from '../../src/ts/parity/parity.js';

it("computes what OpenAI's dall_e computes, with the weights in each form", async () => {
  const folder = fileURLToPath(new URL('../fixtures/dvae-small', import.meta.url));
  const { rows, unsupported } = await checkParity(folder);
  expect(unsupported).toEqual([]);
  for (const form of ['safetensors', 'pickle', 'pre-zip pickle'])
    for (const picture of ['a', 'b']) {
      const own = rows.filter((row) => row.network.startsWith(`${form} ${picture} `));
      expect(own.map((row) => row.tensor)).toEqual(
        expect.arrayContaining([
          `${picture}.tokens`,
          `${picture}.z_logits`,
          `${picture}.x_stats`,
          `${picture}.reconstruction`,
        ]),
      );
    }
  expect(rows).toHaveLength(42);
  expect(rows.filter((row) => !row.pass)).toEqual([]);
});
