"""DALL·E 1's discrete VAE, small: pictures as grids of 1024 codes, one for each 8 × 8 pixels.

First encoder and decoder together, on codes relaxed by Gumbel-softmax whose temperature falls, with the paper's KL to
the uniform distribution (Ramesh et al. 2021, section 2.1) and a nudge towards using all codes; then the decoder alone, on the very codes that the argmax gives.
"""
import argparse
import json
import math
import os

import numpy as np
import torch
from torch.nn import functional as F

from unclip_torch import dvae, png, runner, safetensors_io

WIDTH, FIRST, BLOCKS, VOCABULARY = 24, 64, 1, 1024
SIZE, BATCH = 64, 16
# Shares of a batch: pieces of the large pictures, of the same at half size, whole small pictures.
LARGE, HALF = 7, 5
# So many pictures get colours and contrasts that the world does not have.
STRANGE_SHARE = 0.35
HOTTEST, COLDEST = 0.7, 1 / 16
KL_WEIGHT, PIXEL_WEIGHT = 1.0, 4.0
# For using all codes over a batch. The paper's long training finds them by itself; in minutes it settles on a few.
USE_WEIGHT = 0.1
SMALLEST_LOG_SCALE = -3.0
DECODER_SHARE = 0.4


def build(seed):
    torch.manual_seed(seed)
    modules = {"encoder": dvae.Encoder(WIDTH, BLOCKS, VOCABULARY), "decoder": dvae.Decoder(WIDTH, FIRST, BLOCKS, VOCABULARY)}
    return {name: module.to(memory_format=torch.channels_last) for name, module in modules.items()}


def to_tensor(pixels):
    """uint8 [B, H, W, 3] → [0, 1] NCHW."""
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 255


def pieces(pixels, count, size, random):
    out = []
    for index in random.integers(len(pixels), size=count):
        y, x = random.integers(0, pixels.shape[1] - size + 1, size=2)
        out.append(pixels[index, y : y + size, x : x + size])
    return to_tensor(np.stack(out))


def strange(images):
    """Channels exchanged, contrast and brightness changed, a second picture blended in: a wider world for the codes."""
    count = len(images)
    exchanged = torch.stack([image[torch.randperm(3)] for image in images])
    other = images.roll(1, 0).flip(2 if torch.rand(1) < 0.5 else 3)
    mixed = torch.lerp(exchanged, other, torch.rand(count, 1, 1, 1) * (torch.rand(count, 1, 1, 1) < 0.5))
    mixed = (mixed - 0.5) * (0.5 + torch.rand(count, 3, 1, 1)) + 0.5 + 0.3 * (torch.rand(count, 3, 1, 1) - 0.5)
    return torch.where(torch.rand(count, 1, 1, 1) < STRANGE_SHARE, mixed.clamp(0, 1), images)


def make_batch(large, small, random):
    images = torch.cat([
        pieces(large, LARGE, SIZE, random),
        F.avg_pool2d(pieces(large, HALF, 2 * SIZE, random), 2),
        to_tensor(small[random.integers(len(small), size=BATCH - LARGE - HALF)]),
    ])
    return strange(images if torch.rand(1) < 0.5 else images.flip(3)).contiguous(memory_format=torch.channels_last)


def kl_to_uniform(logits):
    """KL(q || uniform) in nats, summed over the codes of a batch."""
    log_q = F.log_softmax(logits, 1)
    return (log_q.exp() * (log_q + math.log(VOCABULARY))).sum()


def neglect(logits):
    """KL(mean of q over a batch || uniform) in nats: 0 where all codes are used alike."""
    mean = F.softmax(logits, 1).mean((0, 2, 3))
    return (mean * torch.log(mean * VOCABULARY + 1e-9)).sum()


def reconstruction_loss(stats, images):
    """The logit-Laplace likelihood, and the mean absolute error of the picture that is shown."""
    error = (dvae.unmap_pixels(torch.sigmoid(stats[:, :3])) - images).abs().mean()
    return dvae.laplace_nll(stats, dvae.map_pixels(images), SMALLEST_LOG_SCALE) + PIXEL_WEIGHT * error, error


def main(rank, args):
    large, small = (np.load(os.path.join(args.data, f"train{size}.npy"), mmap_mode="r") for size in (256, 64))
    modules = build(args.seed)
    temperature = HOTTEST

    def cool(share):
        nonlocal temperature
        temperature = HOTTEST * (COLDEST / HOTTEST) ** min(1.0, share / 0.8)

    def relaxed_step(random):
        images = make_batch(large, small, random)
        with torch.autocast("cpu", torch.bfloat16):
            logits = modules["encoder"](dvae.map_pixels(images)).float()
            stats = modules["decoder"](F.gumbel_softmax(logits, temperature, dim=1)).float()
        loss, error = reconstruction_loss(stats, images)
        kl = kl_to_uniform(logits)
        used = logits.argmax(1).unique().numel()
        loss = loss + KL_WEIGHT * kl / images.numel() + USE_WEIGHT * neglect(logits)
        return loss, {"error": error.item(), "kl": kl.item() / logits[:, 0].numel(), "used": used, "temperature": temperature}, BATCH

    def hard_step(random):
        images = make_batch(large, small, random)
        with torch.autocast("cpu", torch.bfloat16):
            stats = modules["decoder"](one_hot(tokens_of(modules["encoder"], images))).float()
        loss, error = reconstruction_loss(stats, images)
        return loss, {"error": error.item()}, BATCH

    runner.train("dvae", args.work, rank, modules, args.minutes * (1 - DECODER_SHARE), args.rate, relaxed_step, args.seed, weight_decay=0.0, on_progress=cool)
    runner.load_weights(os.path.join(args.work, "dvae.pt"), modules)
    runner.train("dvae_decoder", args.work, rank, {"decoder": modules["decoder"]}, args.minutes * DECODER_SHARE, args.rate / 2, hard_step, args.seed + 1, weight_decay=0.0)
    if rank == 0:
        export(args)


@torch.no_grad()
def tokens_of(encoder, images):
    """[0, 1] pictures → codes [B, H/8, W/8]."""
    return encoder(dvae.map_pixels(images)).argmax(1)


def one_hot(tokens):
    return F.one_hot(tokens, VOCABULARY).permute(0, 3, 1, 2).float()


@torch.no_grad()
def reconstruct(modules, images):
    tokens = tokens_of(modules["encoder"], images)
    return tokens, dvae.unmap_pixels(torch.sigmoid(modules["decoder"](one_hot(tokens))[:, :3]))


def measure(modules, images):
    """PSNR in dB, a mean over pictures, and how many codes they use."""
    parts = [reconstruct(modules, part) for part in images.split(8)]
    drawn = torch.cat([picture for _, picture in parts])
    psnr = -10 * torch.log10((drawn - images).pow(2).mean((1, 2, 3)))
    used = torch.cat([tokens.flatten() for tokens, _ in parts]).unique().numel()
    return drawn, round(psnr.mean().item(), 2), used


def export(args):
    """encoder.safetensors and decoder.safetensors in f16, measured after rounding to it."""
    modules = build(args.seed)
    runner.load_weights(os.path.join(args.work, "dvae.pt"), modules)
    decoder = os.path.join(args.work, "dvae_decoder.pt")
    if os.path.exists(decoder):
        runner.load_weights(decoder, {"decoder": modules["decoder"]})
    os.makedirs(args.out, exist_ok=True)
    for name, module in modules.items():
        module.half().float()
        weights = {key: value.half().contiguous().numpy() for key, value in module.state_dict().items()}
        safetensors_io.save(os.path.join(args.out, f"{name}.safetensors"), weights)
    report = {}
    for size, count in ((256, 100), (64, 500)):
        images = to_tensor(np.load(os.path.join(args.data, f"heldout{size}.npy"), mmap_mode="r")[:count])
        drawn, psnr, used = measure(modules, images)
        report[str(size)] = {"pictures": len(images), "psnr": psnr, "codesUsed": used}
        sheet = torch.stack([images[:8], drawn[:8]], 1).flatten(0, 1)
        png.sheet(os.path.join(args.work, f"dvae{size}.png"), sheet * 2 - 1, 8, 256 // size if size < 256 else 1)
    print("dVAE on held-out renders", report, flush=True)
    with open(os.path.join(args.out, "unclip.json"), "w") as file:
        json.dump({"name": "dvae", "version": "1.0.0", "vocabulary": VOCABULARY, "heldOut": report, "data": "pictures rendered by training/world"}, file, indent=2)
        file.write("\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--minutes", type=float, default=18)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=17)
    runner.launch(main, parser.parse_args())
