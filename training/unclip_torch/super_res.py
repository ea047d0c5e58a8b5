"""The two super-resolution networks, initialised as the identity."""
import math

import torch
from torch import nn

from . import configs
from .unet import UNet

# GroupNorm forgets the scale of its input. A constant far above the colours keeps its divisor constant, so the
# colours pass it linearly; and silu(x) - silu(-x) = x then lets them through the activation.
ANCHOR = 16.0


def anchored(norm, anchors):
    """Makes a norm with anchors among its channels keep the scale of all the others."""
    gain = ANCHOR * math.sqrt(len(anchors) / norm.num_channels)
    nn.init.constant_(norm.weight, gain)
    with torch.no_grad():
        norm.weight[anchors] = 0.1


@torch.no_grad()
def initialise(model, source):
    """Channels 0-5 are +r -r +g -g +b -b of input channels `source`.., 6 and 7 the anchors, the rest is free."""
    for module in model.modules():
        if hasattr(module, "conv2"):
            nn.init.zeros_(module.conv2.weight)
            nn.init.zeros_(module.conv2.bias)
    model.conv_in.weight[:8] = 0
    model.conv_in.weight[8:] *= 0.5
    model.conv_in.bias.zero_()
    for colour in range(3):
        model.conv_in.weight[2 * colour, source + colour, 1, 1] = 1
        model.conv_in.weight[2 * colour + 1, source + colour, 1, 1] = -1
    model.conv_in.bias[6], model.conv_in.bias[7] = ANCHOR, -ANCHOR
    width = model.conv_in.out_channels
    first, last = model.down_blocks[0], model.up_blocks[-1]
    for norm in (first.resnets[0].norm1, first.downsamplers[0].norm1, model.down_blocks[1].resnets[0].norm1):
        anchored(norm, [6, 7])
    model.down_blocks[1].resnets[0].conv_shortcut.weight[:, 6:8] = 0
    # The downsampled anchors also come back as the last skip of the block before.
    before = model.up_blocks[-2].resnets[1]
    offset = before.norm1.num_channels - width
    anchored(before.norm1, [offset + 6, offset + 7])
    before.conv_shortcut.weight[:, offset + 6 : offset + 8] = 0
    offset = last.resnets[0].norm1.num_channels - width
    anchored(last.resnets[0].norm1, [offset + 6, offset + 7])
    last.resnets[0].conv_shortcut.weight[:, offset + 6 : offset + 8] = 0
    anchored(last.resnets[1].norm1, [width + 6, width + 7])
    shortcut = last.resnets[1].conv_shortcut
    shortcut.weight.zero_()
    shortcut.bias.zero_()
    for channel in range(width):
        shortcut.weight[channel, width + channel] = 1
    anchored(model.conv_norm_out, [6, 7])
    model.conv_norm_out.bias.zero_()
    model.conv_out.weight.zero_()
    model.conv_out.bias.zero_()
    for colour in range(3):
        model.conv_out.weight[colour, 2 * colour, 1, 1] = 1
        model.conv_out.weight[colour, 2 * colour + 1, 1, 1] = -1


def build(seed):
    torch.manual_seed(seed)
    first, last = UNet(configs.super_res(256)), UNet(configs.super_res(None))
    initialise(first, 3)
    # The last network starts from the picture the first one has made.
    initialise(last, 0)
    return {"first": first.to(memory_format=torch.channels_last), "last": last.to(memory_format=torch.channels_last)}
