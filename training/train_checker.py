"""A small CNN that names thing, colour and place of a 64-pixel picture: the judge of the evaluation.

It shares nothing with the generator and learns from real renders only, under heavy disturbance, so that it neither
trusts nor fears the generator's particular flaws.
"""
import argparse
import json
import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from unclip_torch import data, runner, safetensors_io

CHANNELS = [24, 48, 96, 128]
FEATURES = 128
GROUPS = 8
BATCH = 96
GREY_SHARE = 0.3
IGNORED = -100


class Stage(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(GROUPS, outputs)

    def forward(self, x):
        return F.silu(self.norm(self.conv(x)))


class Checker(nn.Module):
    def __init__(self, heads):
        super().__init__()
        self.stages = nn.ModuleList(Stage(i, o) for i, o in zip([3, *CHANNELS], CHANNELS))
        self.features = nn.Conv2d(CHANNELS[-1], FEATURES, 4, stride=4)
        self.heads = nn.ModuleDict({name: nn.Linear(FEATURES, len(words)) for name, words in heads.items()})

    def forward(self, x):
        for stage in self.stages:
            x = stage(x)
        x = F.silu(self.features(x)).flatten(1)
        return {name: head(x) for name, head in self.heads.items()}


def disturb(images):
    """Shift, blur, noise, contrast; pictures keep their labels."""
    count = len(images)
    dx, dy = (int(v) for v in torch.randint(-6, 7, (2,)))
    images = F.pad(images, (6, 6, 6, 6), mode="replicate")[:, :, 6 + dy : 70 + dy, 6 + dx : 70 + dx]
    if torch.rand(1) < 0.5:
        small = int(torch.randint(20, 56, (1,)))
        images = F.interpolate(F.interpolate(images, size=(small, small), mode="area"), size=(64, 64), mode="bilinear", align_corners=False)
    images = images * (1 + 0.16 * (torch.rand(count, 1, 1, 1) - 0.5)) + 0.12 * (torch.rand(count, 1, 1, 1) - 0.5)
    return images + torch.randn_like(images) * torch.rand(count, 1, 1, 1) * 0.25


def heads_of(args):
    world = data.read_json(os.path.join(args.data, "world.json"))
    return {"thing": world["THINGS"], "colour": world["COLOURS"], "place": world["PLACES"]}


def main(rank, args):
    tokenizer = data.make_tokenizer(args.data, os.path.join(args.work, "tokenizer"))
    pictures = data.Pictures(args.data, "train", 64, tokenizer)
    torch.manual_seed(args.seed)
    model = Checker(heads_of(args)).to(memory_format=torch.channels_last)

    def step(random):
        index = random.integers(len(pictures), size=BATCH)
        images, labels = pictures.images(index), torch.from_numpy(pictures.labels[index])
        # Blending with a plain colour teaches it to read faint things.
        blank = torch.rand(BATCH, 3, 1, 1) * 2 - 1
        share = torch.rand(BATCH, 1, 1, 1) * 0.35
        images = images * (1 - share) + blank * share
        # Grey pictures teach it to know a thing by its shape, whatever colour it has.
        grey = torch.rand(BATCH) < GREY_SHARE
        images = disturb(torch.where(grey[:, None, None, None], images.mean(1, keepdim=True).expand_as(images), images))
        labels[grey, 1] = IGNORED
        loss, stats = 0, {}
        for i, (name, logits) in enumerate(model(images.contiguous(memory_format=torch.channels_last)).items()):
            loss = loss + F.cross_entropy(logits, labels[:, i], label_smoothing=0.05, ignore_index=IGNORED)
            stats[name] = (logits.argmax(-1) == labels[:, i])[labels[:, i] != IGNORED].float().mean().item()
        return loss, stats, BATCH

    runner.train("checker", args.work, rank, {"checker": model}, args.minutes, 2e-3, step, args.seed, weight_decay=0.02)
    if rank == 0:
        export(args, tokenizer)


def load(args):
    model = Checker(heads_of(args))
    runner.load_weights(os.path.join(args.work, "checker.pt"), {"checker": model})
    return model.eval().requires_grad_(False)


@torch.no_grad()
def held_out_accuracy(args, model, tokenizer, disturbed):
    pictures = data.Pictures(args.data, "heldout", 64, tokenizer)
    right = []
    for start in range(0, len(pictures), 250):
        index = np.arange(start, min(start + 250, len(pictures)))
        images = pictures.images(index)
        logits = model(disturb(images) if disturbed else images)
        right.append(torch.stack([v.argmax(-1) == torch.from_numpy(pictures.labels[index, i]) for i, v in enumerate(logits.values())], 1))
    right = torch.cat(right)
    shares = right.float().mean(0).tolist() + [right.all(1).float().mean().item()]
    return dict(zip(("thing", "colour", "place", "all"), (round(s, 4) for s in shares)))


def export(args, tokenizer):
    model = load(args)
    accuracy = held_out_accuracy(args, model, tokenizer, False)
    print("checker on held-out renders", accuracy, "disturbed", held_out_accuracy(args, model, tokenizer, True), flush=True)
    os.makedirs(args.out, exist_ok=True)
    safetensors_io.save(os.path.join(args.out, "model.safetensors"), {k: v.half().numpy() for k, v in model.state_dict().items()})
    config = {
        "model_type": "attribute_checker", "image_size": 64, "in_channels": 3, "channels": CHANNELS, "features": FEATURES,
        "norm_num_groups": GROUPS, "norm_eps": 1e-05, "hidden_act": "silu", "input_range": [-1, 1], "heads": heads_of(args),
        "held_out_accuracy": accuracy, "training_pictures": len(np.load(os.path.join(args.data, "train64.npy"), mmap_mode="r")),
    }
    with open(os.path.join(args.out, "config.json"), "w") as file:
        json.dump(config, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=4)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=11)
    runner.launch(main, parser.parse_args())
