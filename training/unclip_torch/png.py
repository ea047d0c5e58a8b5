"""Writes sheets of pictures as PNG."""
import struct
import zlib

import numpy as np


def write(path, pixels):
    """pixels: uint8 [height, width, 3]."""
    height, width, _ = pixels.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], 1)

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes(), 6)) + chunk(b"IEND", b""))


def sheet(path, images, columns, zoom=1):
    """images: [-1, 1] NCHW tensor."""
    array = ((images.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    array = array.repeat(zoom, 1).repeat(zoom, 2)
    rows = -(-len(array) // columns)
    count, height, width, _ = array.shape
    canvas = np.full((rows * (height + 2), columns * (width + 2), 3), 255, np.uint8)
    for i, picture in enumerate(array):
        y, x = i // columns * (height + 2), i % columns * (width + 2)
        canvas[y : y + height, x : x + width] = picture
    write(path, canvas)
