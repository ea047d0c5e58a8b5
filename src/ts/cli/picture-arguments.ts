import { readPictureHeader } from '../image/decode.js';

/**
 * Checks the pictures that a command was given, by their headers, so that a mistake in the last of them is told at once and not
 * after a model was loaded and the others were worked on.
 * @throws UnclipError INPUT_PICTURE_INVALID naming the file
 */
export async function checkPictureArguments(paths: readonly string[]): Promise<void> {
  for (const path of paths) await readPictureHeader(path);
}
