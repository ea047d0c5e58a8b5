import { canvasFile } from '../ui/pictures.js';
import { toApiMask } from './mask.js';

/** A painted mask as the API takes it, PNG; undefined where nothing is masked. */
export async function maskFile(painted: HTMLCanvasElement): Promise<Blob | undefined> {
  const { width, height } = painted;
  const pixels = painted.getContext('2d')!.getImageData(0, 0, width, height);
  if (toApiMask(pixels.data) === 0) return undefined;
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')!.putImageData(pixels, 0, 0);
  return canvasFile(canvas, 'image/png');
}
