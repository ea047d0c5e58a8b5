"""The rendered data set: pictures as memory maps, captions as token ids, labels."""
import json
import os

import numpy as np
import torch

from . import tokenizer as bpe

# Captions are short; more positions would only cost time. Exact, as the text tower is causal and the rest is masked.
CROP = 24
CLIP_MEAN = torch.tensor([0.48145466, 0.4578275, 0.40821073]).view(1, 3, 1, 1)
CLIP_STD = torch.tensor([0.26862954, 0.26130258, 0.27577711]).view(1, 3, 1, 1)
# Words of the other preset and of everyday prompts, so that both presets share one vocabulary.
MORE_WORDS = "left right of to top pixel art pencil sketch drawing flat style and with next above below , ."


def read_json(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def make_tokenizer(data, folder):
    if not os.path.exists(os.path.join(folder, "tokenizer_config.json")):
        words = set(MORE_WORDS.split())
        for record in read_json(os.path.join(data, "train.json")):
            for caption in record["captions"]:
                words.update(bpe.PATTERN.findall(caption))
        bpe.write(folder, words, 77)
    return bpe.Tokenizer(folder)


def load_tokens(data, split, tokenizer):
    """Ids [pictures, captions, CROP], labels [pictures, 6]; cached, as encoding takes a while."""
    cache = os.path.join(data, f"{split}_tokens.npz")
    if not os.path.exists(cache):
        records = read_json(os.path.join(data, f"{split}.json"))
        flat = [caption for record in records for caption in record["captions"]]
        ids, mask = tokenizer.encode(flat, 77)
        if mask[:, CROP:].any():
            raise ValueError("a caption is longer than the crop")
        ids = ids[:, :CROP].reshape(len(records), -1, CROP).astype(np.int16)
        temporary = f"{cache}.{os.getpid()}.npz"
        np.savez(temporary, ids=ids, labels=np.array([r["labels"] for r in records], np.int64))
        os.replace(temporary, cache)
    stored = np.load(cache)
    return stored["ids"], stored["labels"]


class Pictures:
    def __init__(self, data, split, size, tokenizer):
        self.pixels = np.load(os.path.join(data, f"{split}{size}.npy"), mmap_mode="r")
        self.ids, self.labels = load_tokens(data, split, tokenizer)
        self.end = tokenizer.end

    def __len__(self):
        return len(self.pixels)

    def images(self, index):
        """[-1, 1] NCHW."""
        return torch.from_numpy(self.pixels[index]).permute(0, 3, 1, 2).float() / 127.5 - 1

    def captions(self, index, random):
        """One of each picture's captions: ids and mask."""
        ids = torch.from_numpy(self.ids[index, random.integers(self.ids.shape[1], size=len(index))].astype(np.int64))
        return ids, token_mask(ids, self.end)


def token_mask(ids, end):
    """True up to and including the first <|endoftext|>."""
    return ((ids == end).cumsum(1) - (ids == end).long()) == 0


def clip_pixels(images):
    """From [-1, 1] to the normalisation of the image encoder."""
    return ((images + 1) / 2 - CLIP_MEAN) / CLIP_STD


def crop(ids, end):
    """Without the columns that are padding in every row."""
    return ids[:, : int(token_mask(ids, end).any(0).sum())]
