"""UnCLIPScheduler: ancestral sampling over a squared-cosine schedule whose tables are kept in f32."""
import math

import numpy as np
import torch


class UnCLIPScheduler:
    def __init__(self, config):
        self.config = config
        count = config["num_train_timesteps"]

        def bar(t):
            return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

        betas = [min(1 - bar((i + 1) / count) / bar(i / count), 0.999) for i in range(count)]
        self.betas = torch.tensor(betas, dtype=torch.float32)
        self.alphas_cumprod = torch.cumprod(1.0 - self.betas, 0)

    def timesteps(self, steps):
        ratio = (self.config["num_train_timesteps"] - 1) / (steps - 1)
        return (np.arange(0, steps) * ratio).round()[::-1].astype(np.int64).tolist()

    def add_noise(self, clean, noise, timesteps):
        bar = self.alphas_cumprod[timesteps].view(-1, *[1] * (clean.dim() - 1))
        return bar.sqrt() * clean + (1 - bar).sqrt() * noise

    def step(self, output, t, sample, previous=None, generator=None):
        """One reverse step from t to `previous` (None at the end)."""
        one = torch.tensor(1.0)
        before = t - 1 if previous is None else previous
        bar = self.alphas_cumprod[t]
        bar_before = self.alphas_cumprod[before] if before >= 0 else one
        beta = self.betas[t] if before == t - 1 else 1 - bar / bar_before
        alpha = 1 - beta
        variance_type = self.config["variance_type"]
        if variance_type == "learned_range":
            output, raw_variance = output.split(sample.shape[1], 1)
        clean = output
        if self.config["prediction_type"] == "epsilon":
            clean = (sample - (1 - bar).sqrt() * output) / bar.sqrt()
        if self.config["clip_sample"]:
            limit = self.config["clip_sample_range"]
            clean = clean.clamp(-limit, limit)
        result = (bar_before.sqrt() * beta / (1 - bar)) * clean + (alpha.sqrt() * (1 - bar_before) / (1 - bar)) * sample
        if t == 0:
            return result
        noise = torch.randn(sample.shape, generator=generator)
        variance = (1 - bar_before) / (1 - bar) * beta
        log_small = variance.clamp(min=1e-20).log()
        if variance_type == "learned_range":
            fraction = (raw_variance + 1) / 2
            return result + (0.5 * (fraction * beta.log() + (1 - fraction) * log_small)).exp() * noise
        return result + (0.5 * log_small).exp() * noise
