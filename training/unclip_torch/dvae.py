"""DALL·E 1's discrete VAE with the module names of OpenAI's `dall_e` package: dall_e/encoder.py, dall_e/decoder.py."""
import math
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

GROUPS = 4
LAPLACE_EPS = 0.1


class Conv2d(nn.Module):
    def __init__(self, inputs, outputs, size):
        super().__init__()
        self.w = nn.Parameter(torch.randn(outputs, inputs, size, size) / math.sqrt(inputs * size**2))
        self.b = nn.Parameter(torch.zeros(outputs))
        self.padding = (size - 1) // 2

    def forward(self, x):
        return F.conv2d(x, self.w, self.b, padding=self.padding)


class Block(nn.Module):
    """id_path(x) + res_path(x) / layers², with the kernel sizes of the residual path given."""

    def __init__(self, inputs, outputs, kernels, layers):
        super().__init__()
        hidden = outputs // 4
        channels = [inputs, hidden, hidden, hidden, outputs]
        self.gain = 1 / layers**2
        self.id_path = nn.Identity() if inputs == outputs else Conv2d(inputs, outputs, 1)
        steps = OrderedDict()
        for i, size in enumerate(kernels):
            steps[f"relu_{i + 1}"] = nn.ReLU()
            steps[f"conv_{i + 1}"] = Conv2d(channels[i], channels[i + 1], size)
        self.res_path = nn.Sequential(steps)
        # The gain is for very deep networks; undone at the start, a short training reaches the residual paths too.
        with torch.no_grad():
            self.res_path.conv_4.w.mul_(0.5 / self.gain)

    def forward(self, x):
        return self.id_path(x) + self.gain * self.res_path(x)


def group(inputs, outputs, blocks, kernels, last):
    steps = OrderedDict((f"block_{i + 1}", Block(inputs if i == 0 else outputs, outputs, kernels, GROUPS * blocks)) for i in range(blocks))
    steps.update(last)
    return nn.Sequential(steps)


def head(inputs, outputs):
    return nn.Sequential(OrderedDict(relu=nn.ReLU(), conv=Conv2d(inputs, outputs, 1)))


class Encoder(nn.Module):
    """[B, 3, H, W] mapped pixels → logits [B, vocabulary, H/8, W/8]."""

    def __init__(self, width, blocks, vocabulary):
        super().__init__()
        kernels = (3, 3, 3, 1)
        widths = [width, width, 2 * width, 4 * width, 8 * width]
        parts = OrderedDict(input=Conv2d(3, width, 7))
        for i in range(GROUPS):
            last = {"pool": nn.MaxPool2d(2)} if i < GROUPS - 1 else {}
            parts[f"group_{i + 1}"] = group(widths[i], widths[i + 1], blocks, kernels, last)
        parts["output"] = head(8 * width, vocabulary)
        self.blocks = nn.Sequential(parts)

    def forward(self, x):
        return self.blocks(x)


class Decoder(nn.Module):
    """One-hot codes [B, vocabulary, h, w] → [B, 6, 8h, 8w]: mean and log scale of a logit-Laplace distribution."""

    def __init__(self, width, first, blocks, vocabulary):
        super().__init__()
        kernels = (1, 3, 3, 3)
        widths = [first, 8 * width, 4 * width, 2 * width, width]
        parts = OrderedDict(input=Conv2d(vocabulary, first, 1))
        for i in range(GROUPS):
            last = {"upsample": nn.Upsample(scale_factor=2, mode="nearest")} if i < GROUPS - 1 else {}
            parts[f"group_{i + 1}"] = group(widths[i], widths[i + 1], blocks, kernels, last)
        parts["output"] = head(width, 6)
        self.blocks = nn.Sequential(parts)

    def forward(self, x):
        return self.blocks(x)


def map_pixels(x):
    """[0, 1] → [0.1, 0.9], where the logit is finite (paper, appendix A.3)."""
    return (1 - 2 * LAPLACE_EPS) * x + LAPLACE_EPS


def unmap_pixels(x):
    return ((x - LAPLACE_EPS) / (1 - 2 * LAPLACE_EPS)).clamp(0, 1)


def laplace_nll(stats, mapped, smallest):
    """-log of the logit-Laplace density (equation 6 of the paper's appendix), a mean over pixels and channels."""
    mean, log_scale = stats[:, :3], stats[:, 3:].clamp(min=smallest)
    distance = (torch.logit(mapped) - mean).abs()
    return (distance * torch.exp(-log_scale) + log_scale + math.log(2) + torch.log(mapped * (1 - mapped))).mean()
