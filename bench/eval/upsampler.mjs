import { DrawingRun } from '../../dist/pipelines/drawing-run.js';
import { PerImageNoise } from '../../dist/pipelines/noise.js';
import { ProgramSet } from '../../dist/pipelines/programs/program-set.js';
import { shrink } from './pixels.mjs';
import { mean } from './statistics.mjs';

/**
 * The upsamplers alone, on pairs from the world itself: a render, and the same render shrunk to the decoder's size. Against
 * what they start from, the bicubic enlargement.
 * @param {import('../../dist/index.js').Unclip} unclip
 * @param {readonly import('./pixels.mjs').Picture[]} renders of the upsamplers' size, RGB
 * @param {number} seed picture k's noise has seed + k
 */
export async function judgeUpsampler(unclip, renders, seed) {
  const { model, runtime, dtype } = unclip;
  const { decoderSize } = model.configs;
  const programs = new ProgramSet(runtime, model, { batch: 1, guided: false, dtype });
  const run = new DrawingRun(runtime, model, programs, model.info.defaults);
  const pairs = [];
  try {
    for (const [k, render] of renders.entries()) {
      const noise = new PerImageNoise([seed + k]);
      const { superResPrepare } = programs.drawing;
      run.decoder.latents.write(toUnit(shrink(render, decoderSize).data));
      await superResPrepare.prepare();
      runtime.submit([superResPrepare]);
      const bicubic = await superResPrepare.state('upscaled').read();
      run.superRes.start(noise);
      for (let i = 0; i < run.superRes.steps.length; i++) await run.superRes.submit(i, noise);
      const upsampled = await run.superRes.latents.read();
      const real = toUnit(render.data);
      pairs.push({
        psnr: psnr(upsampled, real),
        bicubicPsnr: psnr(bicubic, real),
        colourShift: colourShift(upsampled, real),
        bicubicColourShift: colourShift(bicubic, real),
      });
    }
  } finally {
    programs.destroy();
  }
  const average = (key) => mean(pairs.map((p) => p[key]));
  return {
    pairs: pairs.length,
    psnr: average('psnr'),
    bicubicPsnr: average('bicubicPsnr'),
    colourShift: average('colourShift'),
    bicubicColourShift: average('bicubicColourShift'),
  };
}

/** 0…255 → −1…1. @param {Uint8Array} data */
const toUnit = (data) => Float32Array.from(data, (v) => v / 127.5 - 1);

/** @param {number} v −1…1, beyond it cut off @returns {number} 0…1 */
const brightness = (v) => Math.min(1, Math.max(0, v * 0.5 + 0.5));

/** In dB, of two pictures in [−1, 1]. @param {Float32Array} a @param {Float32Array} b */
function psnr(a, b) {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (brightness(a[i]) - brightness(b[i])) ** 2;
  return -10 * Math.log10(squares / a.length);
}

/** How far the mean of a colour channel moves, of 255, mean over the channels. @param {Float32Array} a @param {Float32Array} b */
function colourShift(a, b) {
  const sums = [0, 0, 0];
  for (let i = 0; i < a.length; i++) sums[i % 3] += brightness(a[i]) - brightness(b[i]);
  return mean(sums.map((s) => (255 * Math.abs(s)) / (a.length / 3)));
}
