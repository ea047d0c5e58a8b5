"""The frozen CLIP towers that later stages learn from: those in training, or else the ones of a finished model folder."""
import os

import numpy as np
import torch

from . import configs, data, runner, safetensors_io
from . import tokenizer as bpe
from .clip import CLIPTextModelWithProjection, CLIPVisionModelWithProjection


def load_module(module, folder, file="model.safetensors"):
    """Puts a component's stored weights (f16 or f32) into a module, in f32."""
    tensors = safetensors_io.load(os.path.join(folder, file))
    module.load_state_dict({k: torch.from_numpy(v.astype(np.float32) if v.dtype == np.float16 else v) for k, v in tensors.items()})
    return module


def load_towers(args):
    """Returns (tokenizer, text tower, image tower); `args.model` is the folder that stands in for work/clip.pt."""
    checkpoint = os.path.join(args.work, "clip.pt")
    trained = os.path.exists(checkpoint)
    if trained:
        tokenizer = data.make_tokenizer(args.data, os.path.join(args.work, "tokenizer"))
    else:
        tokenizer = bpe.Tokenizer(os.path.join(args.model, "tokenizer"))
    text = CLIPTextModelWithProjection(configs.text_config(len(tokenizer.vocabulary)))
    image = CLIPVisionModelWithProjection(configs.VISION)
    if trained:
        runner.load_weights(checkpoint, {"text": text, "image": image})
    else:
        load_module(text, os.path.join(args.model, "text_encoder"))
        load_module(image, os.path.join(args.model, "image_encoder"))
    return tokenizer, text.requires_grad_(False).eval(), image.requires_grad_(False).eval()


@torch.no_grad()
def embed_split(args, split, tokenizer, image):
    """Image embeddings of all pictures of a split, cached."""
    path = os.path.join(args.work, f"{split}_embeddings.npy")
    if not os.path.exists(path):
        pictures = data.Pictures(args.data, split, 64, tokenizer)
        parts = []
        for start in range(0, len(pictures), 250):
            index = np.arange(start, min(start + 250, len(pictures)))
            parts.append(image(data.clip_pixels(pictures.images(index)))[0].numpy())
        np.save(path + ".tmp.npy", np.concatenate(parts))
        os.replace(path + ".tmp.npy", path)
    return torch.from_numpy(np.load(path))
