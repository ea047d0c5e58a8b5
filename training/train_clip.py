"""Stage 1: CLIP, contrastive between captions and pictures, with label heads on both towers (not exported)."""
import argparse
import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from unclip_torch import configs, data, runner
from unclip_torch.clip import CLIPTextModelWithProjection, CLIPVisionModelWithProjection

BATCH = 128
LABEL_WEIGHT = 0.5
NOISY_WORD_SHARE = 0.15
GREY_SHARE = 0.4


def build(vocabulary):
    return {
        "text": CLIPTextModelWithProjection(configs.text_config(vocabulary)),
        "image": CLIPVisionModelWithProjection(configs.VISION),
    }


def initialise(modules):
    for module in modules.values():
        for name, parameter in module.named_parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=0.02 if "embedding" in name else parameter[0].numel() ** -0.5 * 0.7)


class Heads(nn.Module):
    def __init__(self, counts):
        super().__init__()
        self.image = nn.ModuleList(nn.Linear(configs.EMBEDDING, n) for n in counts)
        self.text = nn.ModuleList(nn.Linear(configs.EMBEDDING, n) for n in counts)
        self.scale = nn.Parameter(torch.tensor(2.3))


def scatter_letters(ids, end, random):
    """Puts a few stray letters into some captions: the tower learns to read past words it does not know."""
    ids = ids.clone()
    for row in range(len(ids)):
        length = int((ids[row] == end).float().argmax())
        count = int(random.integers(2, 6))
        if random.random() > NOISY_WORD_SHARE or length + count >= ids.shape[1]:
            continue
        at = int(random.integers(1, length + 1))
        stray = torch.from_numpy(random.integers(0, 512, count))
        ids[row] = torch.cat([ids[row, :at], stray, ids[row, at:-count]])
    return ids


def vary(images):
    """Shifts, noise and, for some, no colour: returns the pictures and which of them are grey.

    Without the grey ones a thing is known by the colours it was seen in, and a new colour turns it into another thing.
    """
    dx, dy = (int(v) for v in torch.randint(-5, 6, (2,)))
    images = F.pad(images, (5, 5, 5, 5), mode="replicate")[:, :, 5 + dy : 69 + dy, 5 + dx : 69 + dx]
    grey = torch.rand(len(images)) < GREY_SHARE
    images = torch.where(grey[:, None, None, None], images.mean(1, keepdim=True).expand_as(images), images)
    return images + torch.randn_like(images) * (torch.rand(len(images), 1, 1, 1) * 0.15), grey


def accuracy(logits, labels):
    return (logits.argmax(-1) == labels).float().mean().item()


def main(rank, args):
    tokenizer = data.make_tokenizer(args.data, os.path.join(args.work, "tokenizer"))
    pictures = data.Pictures(args.data, "train", 64, tokenizer)
    torch.manual_seed(args.seed)
    modules = build(len(tokenizer.vocabulary))
    initialise(modules)
    heads = modules["heads"] = Heads(args.counts)

    def step(random):
        index = random.integers(len(pictures), size=BATCH)
        images, grey = vary(pictures.images(index))
        ids = scatter_letters(pictures.captions(index, random)[0], tokenizer.end, random)
        labels = torch.from_numpy(pictures.labels[index])
        with torch.autocast("cpu", torch.bfloat16):
            image = modules["image"](data.clip_pixels(images))[0]
            text = modules["text"](data.crop(ids, tokenizer.end))[0]
        image, text = image.float(), text.float()
        logits = F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T * heads.scale.exp().clamp(max=50)
        # Another picture of the very same kind is no counterexample.
        same = (labels[:, None] == labels[None]).all(-1) & ~torch.eye(BATCH, dtype=torch.bool)
        logits = logits.masked_fill(same, -1e4)
        target = torch.arange(BATCH).masked_fill(grey, -100)
        logits = logits.masked_fill(grey[:, None] | grey, -1e4)
        contrast = (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2
        loss, stats = contrast, {"contrast": contrast.item()}
        for i, name in enumerate(("thing", "colour", "place")):
            seen, read = heads.image[i](image), heads.text[i](text)
            shown = labels[:, i].masked_fill(grey, -100) if name == "colour" else labels[:, i]
            loss = loss + LABEL_WEIGHT * (F.cross_entropy(seen, shown) + 0.5 * F.cross_entropy(read, labels[:, i]))
            stats[name] = accuracy(seen, labels[:, i])
        return loss, stats, BATCH

    runner.train("clip", args.work, rank, modules, args.minutes, args.rate, step, args.seed, weight_decay=0.05, warmup=200)
    if rank == 0:
        probe(args, tokenizer)


@torch.no_grad()
def probe(args, tokenizer):
    """A linear probe of the image embedding, fitted on training pictures and tried on held-out combinations."""
    modules = build(len(tokenizer.vocabulary))
    runner.load_weights(os.path.join(args.work, "clip.pt"), modules)
    sets = {}
    for split, count in (("train", 8000), ("heldout", 1500)):
        pictures = data.Pictures(args.data, split, 64, tokenizer)
        count = min(count, len(pictures))
        parts = [modules["image"](data.clip_pixels(pictures.images(np.arange(i, min(i + 250, count)))))[0] for i in range(0, count, 250)]
        sets[split] = (torch.cat(parts), torch.from_numpy(pictures.labels[:count]))
    mean, std = sets["train"][0].mean(0), sets["train"][0].std(0) + 1e-6
    inputs = {k: F.pad((v[0] - mean) / std, (0, 1), value=1.0) for k, v in sets.items()}
    for i, (name, classes) in enumerate(zip(("thing", "colour", "place"), args.counts)):
        target = F.one_hot(sets["train"][1][:, i], classes).float()
        x = inputs["train"]
        weights = torch.linalg.solve(x.T @ x + 10 * torch.eye(x.shape[1]), x.T @ target)
        print(f"probe {name}: held-out {accuracy(inputs['heldout'] @ weights, sets['heldout'][1][:, i]):.3f}", flush=True)





if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    world = data.read_json(os.path.join(arguments.data, "world.json"))
    arguments.counts = [len(world[k]) for k in ("THINGS", "COLOURS", "PLACES")]
    # One process writes the caches before the others look for them.
    data.Pictures(arguments.data, "train", 64, data.make_tokenizer(arguments.data, os.path.join(arguments.work, "tokenizer")))
    runner.launch(main, arguments)
