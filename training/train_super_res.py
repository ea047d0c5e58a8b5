"""Stage 4: super resolution, 64 to 256 pixels; starts as the identity and learns only what bicubic lacks.

`super_res_first` draws from noise for all steps but the last, `super_res_last` repairs what the first one made.
"""
import argparse
import os

import numpy as np
import torch
from torch.nn import functional as F

from unclip_torch import configs, pipeline, runner, super_res
from unclip_torch.scheduler import UnCLIPScheduler

CROP, BATCH = 128, 4
FULL_SHARE = 0.2
PURE_NOISE_SHARE = 0.4


def degrade(small):
    """The flaws of a decoded picture: soft spots and grain."""
    count = len(small)
    blurred = F.avg_pool2d(F.pad(small, (1, 1, 1, 1), mode="replicate"), 3, 1)
    small = torch.lerp(small, blurred, torch.rand(count, 1, 1, 1) * 0.4 * (torch.rand(count, 1, 1, 1) < 0.5))
    coarse = F.interpolate(torch.randn(count, 3, small.shape[2] // 4, small.shape[3] // 4), size=small.shape[2:], mode="bilinear", align_corners=False)
    dirty = (torch.rand(count, 1, 1, 1) < 0.6).float()
    return small + dirty * (torch.randn_like(small) * torch.rand(count, 1, 1, 1) * 0.06 + coarse * torch.rand(count, 1, 1, 1) * 0.05)


def to_tensor(pixels):
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 127.5 - 1


def crops(pixels, random):
    if random.random() < FULL_SHARE:
        return to_tensor(pixels[random.integers(len(pixels), size=1)])
    out = []
    for index in random.integers(len(pixels), size=BATCH):
        y, x = (int(v) * 4 for v in random.integers(0, (256 - CROP) // 4 + 1, size=2))
        out.append(pixels[index, y : y + CROP, x : x + CROP])
    return to_tensor(np.stack(out))


def main(rank, args):
    pixels = np.load(os.path.join(args.data, "train256.npy"), mmap_mode="r")
    modules = super_res.build(args.seed)
    schedule = UnCLIPScheduler(configs.scheduler(1.0))

    def step(random):
        large = crops(pixels, random)
        condition = pipeline.upscale(degrade(F.avg_pool2d(large, 4)), large.shape[-1])
        times = torch.randint(1, 1000, (len(large),))
        times[torch.rand(len(large)) < PURE_NOISE_SHARE] = 999
        noisy = schedule.add_noise(large, torch.randn_like(large), times)
        with torch.autocast("cpu", torch.bfloat16):
            drawn = modules["first"](torch.cat([noisy, condition], 1), times).float()
            now = torch.zeros(len(large), dtype=torch.long)
            kept = schedule.add_noise(drawn.detach().clamp(-1, 1), torch.randn_like(large), now)
            repaired = modules["last"](torch.cat([kept, condition], 1), now).float()
        stats = {"first": (drawn - large).abs().mean().item(), "last": (repaired - large).abs().mean().item(), "bicubic": (condition - large).abs().mean().item()}
        return charbonnier(drawn - large) + charbonnier(repaired - large), stats, len(large)

    runner.train("super_res", args.work, rank, modules, args.minutes, 2e-3, step, args.seed, weight_decay=0.0, decay=0.998)
    if rank == 0:
        measure(args)


def charbonnier(error):
    return (error.pow(2) + 1e-4).sqrt().mean() + 2 * error.pow(2).mean()


def load(args):
    modules = super_res.build(args.seed)
    runner.load_weights(os.path.join(args.work, "super_res.pt"), modules)
    return modules


@torch.no_grad()
def measure(args, count=24):
    """PSNR and mean error on held-out renders, against bicubic."""
    modules = load(args)
    large = to_tensor(np.load(os.path.join(args.data, "heldout256.npy"), mmap_mode="r")[:count])
    small = F.avg_pool2d(large, 4)

    def report(label, image):
        error = (image.clamp(-1, 1) - large) * 127.5
        psnr = (10 * torch.log10(255**2 / error.pow(2).mean((1, 2, 3)))).mean()
        print(f"super resolution {label}: PSNR {psnr:.2f} dB, mean RGB error {error.abs().mean():.2f}/255", flush=True)

    report("bicubic", pipeline.upscale(small, 256))
    for steps in args.steps:
        parts = [pipeline.sample_super_res(modules["first"], modules["last"], part, steps, torch.Generator().manual_seed(1)) for part in small.split(4)]
        report(f"{steps} steps", torch.cat(parts))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--steps", type=int, nargs="+", default=[2, 4, 7])
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=13)
    runner.launch(main, parser.parse_args())
