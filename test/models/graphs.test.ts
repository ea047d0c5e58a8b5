import { describe, expect, it } from 'vitest';
import { fuse } from '../../src/ts/graph/fuse.js';
import type { Graph } from '../../src/ts/graph/types.js';
import { clipTextGraph, parseClipTextConfig } from '../../src/ts/models/clip-text.js';
import { decoderPreludeGraph, decoderStepGraph } from '../../src/ts/models/decoder-graphs.js';
import { parsePriorConfig } from '../../src/ts/models/prior.js';
import { priorFinishGraph, priorPreludeGraph, priorStepGraph } from '../../src/ts/models/prior-graphs.js';
import { pixelsGraph, superResPrepareGraph, superResStepGraph } from '../../src/ts/models/super-res-graphs.js';
import { parseTextProjConfig, textProjGraph } from '../../src/ts/models/unclip-text-proj.js';
import { parseUNet2DConfig } from '../../src/ts/models/unet-2d.js';
import { attentionSites, parseUNet2DConditionConfig } from '../../src/ts/models/unet-2d-condition.js';
import { KARLO } from './karlo.js';

const prior = parsePriorConfig(KARLO.prior);
const decoder = parseUNet2DConditionConfig(KARLO.decoder);
const superRes = parseUNet2DConfig(KARLO.super_res_first);
const textProj = parseTextProjConfig(KARLO.text_proj);

const shapes = (g: Graph, of: 'inputs' | 'outputs'): Record<string, readonly unknown[]> =>
  Object.fromEntries(
    Object.entries(g[of]).map(([name, id]) => [name, [g.tensors[id]!.dtype, ...g.tensors[id]!.shape]]),
  );

const ops = (g: Graph, op: string): number => g.nodes.filter((n) => n.op === op).length;

describe('prior', () => {
  const o = { batch: 2, guided: true, dtype: 'f16' } as const;
  const prelude = priorPreludeGraph(prior, o);
  const step = priorStepGraph(prior, o);

  it('hands keys and values of the text from prelude to step', () => {
    const handed = shapes(prelude, 'outputs');
    expect(Object.keys(handed)).toHaveLength(21);
    expect(handed['context.transformer_blocks.19']).toEqual(['f16', 4, 78, 4096]);
    const { stepParams, noise, mask, ...context } = shapes(step, 'inputs');
    expect(context).toEqual(handed);
    expect(stepParams).toEqual(['f32', 2, 16]);
    expect(noise).toEqual(['f32', 2, 768]);
    expect(mask).toEqual(['f32', 4, 77]);
    expect(shapes(step, 'outputs')).toEqual({ latents: ['f32', 2, 768], x0: ['f32', 2, 768] });
  });

  it('computes three tokens a step, and of the last layer no more of the text than its keys', () => {
    const q = step.nodes.find((n) => n.label === 'transformer_blocks.0.attn1.to_q')!;
    expect(step.tensors[q.outputs[0]!]!.shape).toEqual([4, 3, 2048]);
    expect(ops(prelude, 'attention')).toBe(19);
    expect(ops(step, 'attention')).toBe(20);
  });

  it('finishes in f32', () => {
    expect(shapes(priorFinishGraph(prior, o), 'outputs')).toEqual({ imageEmbeds: ['f32', 2, 768] });
  });
});

describe('text projection', () => {
  it('doubles the rows under guidance, image tokens before text tokens', () => {
    const g = textProjGraph(textProj, { batch: 3, guided: true, dtype: 'f32', tokens: 77 });
    expect(shapes(g, 'inputs')).toEqual({
      imageEmbeds: ['f32', 3, 768],
      textEmbeds: ['f32', 6, 768],
      textHidden: ['f32', 6, 77, 768],
    });
    expect(shapes(g, 'outputs')).toEqual({ timeEmbeds: ['f32', 6, 1280], context: ['f32', 6, 81, 1536] });
  });

  it('has no use for the learned embedding without guidance', () => {
    const g = textProjGraph(textProj, { batch: 1, guided: false, dtype: 'f32', tokens: 77 });
    expect(g.tensors.some((t) => t.name.startsWith('learned'))).toBe(false);
  });
});

describe('decoder', () => {
  const o = { batch: 1, guided: true, dtype: 'f32', tokens: 81 } as const;
  const prelude = decoderPreludeGraph(decoder, o);
  const step = decoderStepGraph(decoder, o);

  it('hands the context of all 22 attentions from prelude to step', () => {
    const sites = attentionSites(decoder);
    expect(sites).toHaveLength(22);
    expect(sites[0]).toEqual({ name: 'down_blocks.1.attentions.0', channels: 640 });
    expect(sites.at(-1)).toEqual({ name: 'up_blocks.2.attentions.3', channels: 640 });
    const { stepParams, noise, timeEmbeds, mask, ...context } = shapes(step, 'inputs');
    expect(context).toEqual(shapes(prelude, 'outputs'));
    expect(stepParams).toEqual(['f32', 1, 16]);
    expect(noise).toEqual(['f32', 1, 64, 64, 3]);
    expect(timeEmbeds).toEqual(['f32', 2, 1280]);
    expect(mask).toEqual(['f32', 2, 81]);
    expect(ops(step, 'attention')).toBe(22);
  });

  it('ends in one guided step with learned variance', () => {
    const last = step.nodes.at(-1)!;
    expect(last.op).toBe('diffusionStep');
    expect(last.attrs).toMatchObject({ guided: true, learnedVariance: true });
    expect(shapes(step, 'outputs')).toEqual({ latents: ['f32', 1, 64, 64, 3], x0: ['f32', 1, 64, 64, 3] });
  });
});

describe('upsampler', () => {
  it('sees the sample beside the enlarged picture, without guidance', () => {
    const step = superResStepGraph(superRes, { batch: 2, dtype: 'f16', size: 256 });
    expect(shapes(step, 'inputs')).toEqual({
      stepParams: ['f32', 2, 16],
      noise: ['f32', 2, 256, 256, 3],
      upscaled: ['f32', 2, 256, 256, 3],
    });
    expect(step.nodes.at(-1)!.attrs).toMatchObject({ guided: false, learnedVariance: false });
    const [latents, upscaled] = step.nodes[0]!.inputs;
    expect([latents, upscaled]).toEqual([step.outputs.latents, step.inputs.upscaled]);
  });

  it('has f32 ends', () => {
    const prepare = superResPrepareGraph({ batch: 2, from: 64, size: 256 });
    expect(shapes(prepare, 'outputs')).toEqual({ upscaled: ['f32', 2, 256, 256, 3] });
    const pixels = pixelsGraph({ batch: 2, height: 256, width: 256 });
    expect(shapes(pixels, 'outputs')).toEqual({ pixels: ['u32', 2, 256, 256] });
  });
});

describe('operations per run after fusion', () => {
  const o = { batch: 1, guided: true, dtype: 'f16' } as const;
  it.each<[string, Graph, number]>([
    ['text encoder', clipTextGraph(parseClipTextConfig(KARLO.text_encoder), o), 100],
    ['prior prelude', priorPreludeGraph(prior, o), 160],
    ['prior step', priorStepGraph(prior, o), 172],
    ['text projection', textProjGraph(textProj, { ...o, tokens: 77 }), 10],
    ['decoder prelude', decoderPreludeGraph(decoder, { ...o, tokens: 81 }), 22],
    ['decoder step', decoderStepGraph(decoder, { ...o, tokens: 81 }), 342],
    ['super-resolution step', superResStepGraph(superRes, { ...o, size: 256 }), 229],
  ])('%s', (_, graph, count) => {
    expect(fuse(graph).nodes.length).toBe(count);
  });

  it('leave no activation, sum or enlargement on its own but those of the time embedding', () => {
    for (const graph of [
      decoderStepGraph(decoder, { ...o, tokens: 81 }),
      superResStepGraph(superRes, { ...o, size: 256 }),
    ]) {
      const alone = fuse(graph).nodes.filter((n) =>
        ['activation', 'add', 'scaleShift', 'upsampleNearest2x'].includes(n.op),
      );
      for (const { label } of alone) expect(['time_act', 'class_embedding']).toContain(label);
    }
  });
});
