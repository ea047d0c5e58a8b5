"""UNet2DConditionModel and UNet2DModel in the configurations unCLIP uses."""
import torch
from torch import nn
from torch.nn import functional as F

from .blocks import AddedKVAttention, DownBlock, MidBlock, ResnetBlock, TimestepEmbedding, UpBlock, sinusoid


class UNet(nn.Module):
    """Both models in one: the block types of the config decide where there is attention."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        widths, groups, eps = config["block_out_channels"], config["norm_num_groups"], config["norm_eps"]
        layers, time_width = config["layers_per_block"], widths[0] * 4
        scale_shift = config["resnet_time_scale_shift"] == "scale_shift"

        def resnet(inputs, outputs, resample=None):
            return ResnetBlock(inputs, outputs, time_width, groups, eps, scale_shift, resample)

        def attention(channels):
            return AddedKVAttention(channels, config["attention_head_dim"], config["cross_attention_dim"], groups, eps)

        def attention_if(block_type):
            return attention if block_type.startswith("SimpleCrossAttn") else None

        self.conv_in = nn.Conv2d(config["in_channels"], widths[0], 3, padding=1)
        self.time_embedding = TimestepEmbedding(widths[0], time_width)
        last = len(widths) - 1
        skips = [widths[0]]
        self.down_blocks = nn.ModuleList()
        for i, block_type in enumerate(config["down_block_types"]):
            inputs = widths[max(i - 1, 0)]
            self.down_blocks.append(DownBlock(inputs, widths[i], layers, i == last, resnet, attention_if(block_type)))
            skips += [widths[i]] * (layers + (i != last))
        with_attention = config.get("mid_block_type") == "UNetMidBlock2DSimpleCrossAttn"
        self.mid_block = MidBlock(widths[-1], resnet, attention if with_attention else None)
        self.up_blocks = nn.ModuleList()
        current = widths[-1]
        for i, block_type in enumerate(config["up_block_types"]):
            taken = [skips.pop() for _ in range(layers + 1)]
            outputs = widths[last - i]
            self.up_blocks.append(UpBlock(current, taken, outputs, i == last, resnet, attention_if(block_type)))
            current = outputs
        self.conv_norm_out = nn.GroupNorm(groups, widths[0], eps=eps)
        self.conv_out = nn.Conv2d(widths[0], config["out_channels"], 3, padding=1)

    def forward(self, sample, timesteps, context=None, class_labels=None, mask=None):
        """`mask` is boolean over the context, `class_labels` is added to the time embedding as it is."""
        emb = self.time_embedding(sinusoid(timesteps.expand(len(sample)), self.config["block_out_channels"][0]))
        if class_labels is not None:
            emb = emb + class_labels
        bias = None if mask is None else ((1 - mask.float()) * -10000.0)[:, None, None, :]
        x = self.conv_in(sample)
        skips = [x]
        for block in self.down_blocks:
            x, new = block(x, emb, context, bias)
            skips += new
        x = self.mid_block(x, emb, context, bias)
        for block in self.up_blocks:
            x = block(x, emb, skips, context, bias)
        return self.conv_out(F.silu(self.conv_norm_out(x)))
