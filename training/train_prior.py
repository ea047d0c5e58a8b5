"""Stage 2: the prior, from text to image embedding. Afterwards it draws samples for the decoder to learn from."""
import argparse
import os

import numpy as np
import torch

from train_clip import build
from unclip_torch import configs, data, pipeline, runner
from unclip_torch.prior import PriorTransformer
from unclip_torch.scheduler import UnCLIPScheduler

BATCH = 128
CAPTION_DROP = 0.12


@torch.no_grad()
def embed_pictures(args, tokenizer):
    """Image embeddings of all training pictures, cached."""
    path = os.path.join(args.work, "embeddings.npy")
    if not os.path.exists(path):
        model = build(len(tokenizer.vocabulary))["image"]
        runner.load_weights(os.path.join(args.work, "clip.pt"), {"image": model})
        pictures = data.Pictures(args.data, "train", 64, tokenizer)
        parts = []
        for start in range(0, len(pictures), 250):
            index = np.arange(start, min(start + 250, len(pictures)))
            parts.append(model(data.clip_pixels(pictures.images(index)))[0].numpy())
        np.save(path + ".tmp.npy", np.concatenate(parts))
        os.replace(path + ".tmp.npy", path)
    return torch.from_numpy(np.load(path))


def load_text_encoder(args, tokenizer):
    text = build(len(tokenizer.vocabulary))["text"]
    runner.load_weights(os.path.join(args.work, "clip.pt"), {"text": text})
    return text.requires_grad_(False).eval()


def main(rank, args):
    tokenizer = data.make_tokenizer(args.data, os.path.join(args.work, "tokenizer"))
    pictures = data.Pictures(args.data, "train", 64, tokenizer)
    embeddings = embed_pictures(args, tokenizer)
    text = load_text_encoder(args, tokenizer)
    torch.manual_seed(args.seed)
    prior = PriorTransformer(configs.PRIOR)
    prior.clip_mean.copy_(embeddings.mean(0, keepdim=True))
    prior.clip_std.copy_(embeddings.std(0, keepdim=True))
    schedule = UnCLIPScheduler(configs.scheduler(5.0))
    empty = torch.from_numpy(tokenizer.encode([""], data.CROP)[0])

    def step(random):
        index = random.integers(len(pictures), size=BATCH)
        ids = pictures.captions(index, random)[0]
        ids[torch.rand(BATCH) < CAPTION_DROP] = empty
        ids = data.crop(ids, tokenizer.end)
        with torch.no_grad():
            embeds, hidden = text(ids)
        clean = (embeddings[index] - prior.clip_mean) / prior.clip_std
        times = torch.randint(0, 1000, (BATCH,))
        noisy = schedule.add_noise(clean, torch.randn_like(clean), times)
        with torch.autocast("cpu", torch.bfloat16):
            predicted = prior(noisy, times, embeds, hidden, data.token_mask(ids, tokenizer.end))
        return (predicted.float() - clean).pow(2).mean(), {}, BATCH

    runner.train("prior", args.work, rank, {"prior": prior}, args.minutes, 1.2e-3, step, args.seed, weight_decay=0.02)
    if rank == 0:
        draw_samples(args, tokenizer, pictures, text)


@torch.no_grad()
def draw_samples(args, tokenizer, pictures, text):
    """Embeddings the prior imagines for one caption of each of the first pictures."""
    prior = PriorTransformer(configs.PRIOR)
    runner.load_weights(os.path.join(args.work, "prior.pt"), {"prior": prior})
    empty = torch.from_numpy(tokenizer.encode([""], data.CROP)[0])
    chosen, parts = [], []
    random = np.random.default_rng(args.seed)
    count = min(args.samples, len(pictures))
    for start in range(0, count, 250):
        index = np.arange(start, min(start + 250, count))
        column = random.integers(pictures.ids.shape[1], size=len(index))
        ids = torch.from_numpy(pictures.ids[index, column].astype(np.int64))
        both = torch.cat([empty.expand_as(ids), ids])
        parts.append(pipeline.sample_prior(prior, (*text(both), data.token_mask(both, tokenizer.end)), 6, 1.5))
        chosen.append(column)
    path = os.path.join(args.work, "prior_samples.npz")
    np.savez(path + ".tmp.npz", embeds=torch.cat(parts).numpy(), captions=np.concatenate(chosen))
    os.replace(path + ".tmp.npz", path)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--minutes", type=float, default=3)
    parser.add_argument("--samples", type=int, default=12000)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    # One process writes the cache before the others look for it.
    embed_pictures(arguments, data.make_tokenizer(arguments.data, os.path.join(arguments.work, "tokenizer")))
    runner.launch(main, arguments)
