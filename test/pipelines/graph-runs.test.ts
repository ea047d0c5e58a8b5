import { expect, it } from 'vitest';
import { loadUnclipModel } from '../../src/ts/models/model-index.js';
import { graphRuns } from '../../src/ts/pipelines/graph-runs.js';

it('knows how often every graph of a picture runs', () => {
  const model = loadUnclipModel('models/bundled');
  const settings = {
    priorSteps: 10,
    decoderSteps: 20,
    superResSteps: 4,
    priorGuidanceScale: 4,
    decoderGuidanceScale: 4,
  };
  const runs = graphRuns(model, { batch: 1, guided: true, dtype: 'f32' }, settings);
  expect(runs.map((r) => `${r.component} ${r.graph.name} ${r.runs}`)).toEqual([
    'text_encoder text_encoder 1',
    'prior prior.prelude 1',
    'prior prior.step 10',
    'prior prior.finish 1',
    'text_proj text_proj 1',
    'decoder decoder.prelude 1',
    'decoder decoder.step 20',
    'pixels super_res.prepare 1',
    'super_res_first super_res.step 3',
    'super_res_last super_res.step 1',
    'pixels pixels 1',
  ]);
});
