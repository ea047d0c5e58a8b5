import { useEffect, useMemo } from 'preact/hooks';

/** An address of a file for as long as the component shows it. */
export function useFileUrl(file: Blob | undefined): string | undefined {
  const url = useMemo(() => file && URL.createObjectURL(file), [file]);
  useEffect(() => () => URL.revokeObjectURL(url ?? ''), [url]);
  return url;
}

/** Sides of a picture file as it is shown. @throws DOMException for what is no picture */
export async function sidesOf(file: Blob): Promise<{ readonly width: number; readonly height: number }> {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  bitmap.close();
  return { width, height };
}

/** A small copy of a picture, its longer side at most `side` pixels. @throws DOMException */
export async function thumbnail(file: Blob, side: number): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(bitmap.width * scale));
  canvas.height = Math.max(1, Math.round(bitmap.height * scale));
  canvas.getContext('2d')!.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvasFile(canvas, 'image/webp');
}

/** @throws Error where the browser cannot encode it */
export const canvasFile = (canvas: HTMLCanvasElement, type: string): Promise<Blob> =>
  new Promise((resolve, reject) => {
    canvas.toBlob((file) => (file === null ? reject(new Error('the picture is too large')) : resolve(file)), type, 0.9);
  });
