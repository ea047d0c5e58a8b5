import { encodePicture, type PictureFormat } from '../image/encode.js';
import type { PictureParameters } from '../image/parameters.js';

/** A finished picture. */
export class GeneratedImage {
  readonly width: number;
  readonly height: number;
  /** RGBA, 8 bits each, rows from the top. */
  readonly data: Uint8Array;
  /** What made it: enough to make it again. */
  readonly parameters: PictureParameters;

  constructor(width: number, height: number, data: Uint8Array, parameters: PictureParameters) {
    this.width = width;
    this.height = height;
    this.data = data;
    this.parameters = parameters;
  }

  get seed(): number {
    return this.parameters.seed;
  }

  /** The picture as a file's bytes, with its parameters inside. @param quality 1 … 100, for jpeg and webp */
  encode(format: PictureFormat = 'png', quality?: number): Promise<Buffer> {
    const picture = { width: this.width, height: this.height, channels: 4 as const, data: this.data };
    return encodePicture(picture, { format, quality, parameters: this.parameters });
  }
}
