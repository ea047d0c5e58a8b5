"""Building blocks of the UNets, with the parameter names of diffusers 0.21."""
import math

import torch
from torch import nn
from torch.nn import functional as F


def sinusoid(timesteps, width):
    """Cosines first (flip_sin_to_cos), frequency divisor = half the width (freq_shift 0)."""
    half = width // 2
    frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32, device=timesteps.device) / half)
    angles = timesteps.float()[:, None] * frequencies
    return torch.cat([angles.cos(), angles.sin()], -1)


class TimestepEmbedding(nn.Module):
    def __init__(self, width, out, final=None):
        super().__init__()
        self.linear_1 = nn.Linear(width, out)
        self.linear_2 = nn.Linear(out, final or out)

    def forward(self, x):
        return self.linear_2(F.silu(self.linear_1(x)))


class ResnetBlock(nn.Module):
    """GroupNorm-SiLU-conv twice around the time embedding; `resample` works inside, on both branches."""

    def __init__(self, inputs, outputs, time_width, groups, eps, scale_shift, resample=None):
        super().__init__()
        self.scale_shift = scale_shift
        self.resample = resample
        self.norm1 = nn.GroupNorm(groups, inputs, eps=eps)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time_emb_proj = nn.Linear(time_width, outputs * (2 if scale_shift else 1))
        self.norm2 = nn.GroupNorm(groups, outputs, eps=eps)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.conv_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def resampled(self, x):
        if self.resample == "up":
            return F.interpolate(x, scale_factor=2.0, mode="nearest")
        if self.resample == "down":
            return F.avg_pool2d(x, 2)
        return x

    def forward(self, x, emb):
        h = self.conv1(self.resampled(F.silu(self.norm1(x))))
        time = self.time_emb_proj(F.silu(emb))[:, :, None, None]
        if self.scale_shift:
            scale, shift = time.chunk(2, 1)
            h = self.norm2(h) * (1 + scale) + shift
        else:
            h = self.norm2(h + time)
        h = self.conv2(F.silu(h))
        x = self.resampled(x)
        return h + (x if self.conv_shortcut is None else self.conv_shortcut(x))


class AddedKVAttention(nn.Module):
    """Attention of the pixels to the text context and to each other."""

    def __init__(self, channels, head_dim, context_width, groups, eps):
        super().__init__()
        self.heads = channels // head_dim
        self.group_norm = nn.GroupNorm(groups, channels, eps=eps)
        self.to_q = nn.Linear(channels, channels)
        self.to_k = nn.Linear(channels, channels)
        self.to_v = nn.Linear(channels, channels)
        self.add_k_proj = nn.Linear(context_width, channels)
        self.add_v_proj = nn.Linear(context_width, channels)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def split(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, -1).transpose(1, 2)

    def forward(self, x, context, bias):
        """`bias` [B, 1, 1, context length] is added to the scores of the context keys only."""
        batch, channels, height, width = x.shape
        tokens = self.group_norm(x).flatten(2).transpose(1, 2)
        q = self.split(self.to_q(tokens))
        k = self.split(torch.cat([self.add_k_proj(context), self.to_k(tokens)], 1))
        v = self.split(torch.cat([self.add_v_proj(context), self.to_v(tokens)], 1))
        scores = q @ k.transpose(-1, -2) * (channels // self.heads) ** -0.5
        if bias is not None:
            scores = scores + F.pad(bias, (0, height * width))
        out = (scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, height * width, channels)
        return self.to_out[0](out).transpose(1, 2).reshape(batch, channels, height, width) + x


class DownBlock(nn.Module):
    def __init__(self, inputs, outputs, layers, last, make_resnet, make_attention):
        super().__init__()
        self.resnets = nn.ModuleList(make_resnet(inputs if i == 0 else outputs, outputs) for i in range(layers))
        if make_attention:
            self.attentions = nn.ModuleList(make_attention(outputs) for _ in range(layers))
        self.has_attention = make_attention is not None
        self.downsamplers = None if last else nn.ModuleList([make_resnet(outputs, outputs, "down")])

    def forward(self, x, emb, context, bias):
        skips = []
        for i, resnet in enumerate(self.resnets):
            x = resnet(x, emb)
            if self.has_attention:
                x = self.attentions[i](x, context, bias)
            skips.append(x)
        if self.downsamplers is not None:
            x = self.downsamplers[0](x, emb)
            skips.append(x)
        return x, skips


class MidBlock(nn.Module):
    def __init__(self, channels, make_resnet, make_attention):
        super().__init__()
        self.resnets = nn.ModuleList([make_resnet(channels, channels), make_resnet(channels, channels)])
        if make_attention:
            self.attentions = nn.ModuleList([make_attention(channels)])
        self.has_attention = make_attention is not None

    def forward(self, x, emb, context, bias):
        x = self.resnets[0](x, emb)
        if self.has_attention:
            x = self.attentions[0](x, context, bias)
        return self.resnets[1](x, emb)


class UpBlock(nn.Module):
    def __init__(self, inputs, skips, outputs, last, make_resnet, make_attention):
        """`skips` lists the widths of the skip connections in the order in which they are taken."""
        super().__init__()
        widths = [inputs] + [outputs] * (len(skips) - 1)
        self.resnets = nn.ModuleList(make_resnet(w + s, outputs) for w, s in zip(widths, skips))
        if make_attention:
            self.attentions = nn.ModuleList(make_attention(outputs) for _ in skips)
        self.has_attention = make_attention is not None
        self.upsamplers = None if last else nn.ModuleList([make_resnet(outputs, outputs, "up")])

    def forward(self, x, emb, skips, context, bias):
        for i, resnet in enumerate(self.resnets):
            x = resnet(torch.cat([x, skips.pop()], 1), emb)
            if self.has_attention:
                x = self.attentions[i](x, context, bias)
        return x if self.upsamplers is None else self.upsamplers[0](x, emb)
