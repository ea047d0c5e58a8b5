"""Sampling as the diffusers pipelines do it: prior, decoder with guidance, super resolution."""
import torch
from torch.nn import functional as F

from . import configs
from .scheduler import UnCLIPScheduler


def encode_text(text_encoder, tokenizer, prompts, length):
    """Text embeddings, hidden states and mask of [unconditional..., conditional...]."""
    ids, mask = tokenizer.encode([""] * len(prompts) + list(prompts), length)
    embeds, hidden = text_encoder(torch.from_numpy(ids))
    return embeds, hidden, torch.from_numpy(mask)


def guided(output, scale):
    unconditional, conditional = output.chunk(2)
    return unconditional + scale * (conditional - unconditional)


def sample_prior(prior, text, steps, scale, generator=None):
    """Image embeddings [N, width] for encoded text."""
    embeds, hidden, mask = text
    schedule = UnCLIPScheduler(configs.scheduler(5.0))
    times = schedule.timesteps(steps)
    latents = torch.randn(len(embeds) // 2, embeds.shape[1], generator=generator)
    for i, t in enumerate(times):
        output = prior(torch.cat([latents] * 2), torch.tensor([t]), embeds, hidden, mask)
        previous = times[i + 1] if i + 1 < steps else None
        latents = schedule.step(guided(output, scale), t, latents, previous, generator)
    return prior.denormalise(latents)


def sample_decoder(decoder, text_proj, image_embeds, text, steps, scale, generator=None, size=64):
    embeds, hidden, mask = text
    free = text_proj.learned_classifier_free_guidance_embeddings.expand_as(image_embeds)
    context, time = text_proj(torch.cat([free, image_embeds]), embeds, hidden)
    mask = F.pad(mask, (text_proj.tokens, 0), value=True)
    schedule = UnCLIPScheduler(configs.scheduler(1.0))
    times = schedule.timesteps(steps)
    latents = torch.randn(len(image_embeds), 3, size, size, generator=generator)
    for i, t in enumerate(times):
        output = decoder(torch.cat([latents] * 2), torch.tensor([t]), context, time, mask)
        previous = times[i + 1] if i + 1 < steps else None
        latents = schedule.step(guided(output, scale), t, latents, previous, generator)
    return latents.clamp(-1, 1)


def upscale(images, size):
    """PyTorch's antialiased bicubic (a = -0.5), the low-resolution condition of the second stage."""
    return F.interpolate(images, size=(size, size), mode="bicubic", align_corners=False, antialias=True)


def sample_super_res(first, last, small, steps, generator=None, size=256):
    condition = upscale(small, size)
    schedule = UnCLIPScheduler(configs.scheduler(1.0))
    times = schedule.timesteps(steps)
    latents = torch.randn(condition.shape, generator=generator)
    for i, t in enumerate(times):
        model = last if i == steps - 1 else first
        output = model(torch.cat([latents, condition], 1), torch.tensor([t]))
        previous = times[i + 1] if i + 1 < steps else None
        latents = schedule.step(output, t, latents, previous, generator)
    return latents.clamp(-1, 1)
