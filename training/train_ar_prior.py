"""Stage 2b: the autoregressive prior, on frozen CLIP towers; an alternative to the diffusion prior of train_prior.py."""
import argparse
import json
import os

import numpy as np
import torch
from torch.nn import functional as F

from unclip_torch import ar_prior, configs, data, pipeline, runner, towers
from unclip_torch.ar_prior import AutoregressivePrior
from unclip_torch.prior import PriorTransformer

BATCH = 128
CAPTION_DROP = 0.1
HEADS = ("thing", "colour", "place")


class Captions:
    """Every distinct caption of a split, encoded once: the tower is frozen, and captions repeat."""

    @torch.no_grad()
    def __init__(self, pictures, text, tokenizer, empty):
        count, each, length = pictures.ids.shape
        ids, inverse = np.unique(pictures.ids.reshape(-1, length), axis=0, return_inverse=True)
        ids = torch.cat([empty[None], torch.from_numpy(ids.astype(np.int64))])
        ids = data.crop(ids, tokenizer.end)
        parts = [text(ids[i : i + 500]) for i in range(0, len(ids), 500)]
        self.embeds, self.hidden = (torch.cat(part) for part in zip(*parts))
        self.mask = data.token_mask(ids, tokenizer.end)
        # Row 0 is the empty caption.
        self.rows = torch.from_numpy(inverse.reshape(count, each) + 1)

    def draw(self, index, random):
        """Rows of one caption of each picture."""
        return self.rows[index, random.integers(self.rows.shape[1], size=len(index))]

    def encoded(self, rows):
        """Embeddings, hidden states and mask, without the columns that are padding in every row."""
        mask = self.mask[rows]
        length = int(mask.any(0).sum())
        return self.embeds[rows], self.hidden[rows, :length], mask[:, :length]


def cosine(a, b):
    return (F.normalize(a, dim=-1) * F.normalize(b, dim=-1)).sum(-1)


class Stage:
    def __init__(self, args):
        self.args = args
        self.tokenizer, self.text, image = towers.load_towers(args)
        self.sets = {}
        self.empty = torch.from_numpy(self.tokenizer.encode([""], data.CROP)[0])[0]
        for split in ("train", "heldout"):
            pictures = data.Pictures(args.data, split, 64, self.tokenizer)
            captions = Captions(pictures, self.text, self.tokenizer, self.empty)
            self.sets[split] = (pictures, captions, towers.embed_split(args, split, self.tokenizer, image))

    def fit(self, prior):
        _, captions, embeddings = self.sets["train"]
        return prior.fit(embeddings, cosine(captions.embeds[captions.rows], embeddings[:, None]).flatten())

    def loss(self, prior, split, index, random, drop):
        """Cross-entropy per code, in nats."""
        _, captions, embeddings = self.sets[split]
        rows = captions.draw(index, random)
        dropped = torch.rand(len(rows)) < drop
        embeds, hidden, mask = captions.encoded(rows.masked_fill(dropped, 0))
        picture = embeddings[index]
        scores = prior.score_tokens(cosine(embeds, picture)).masked_fill(dropped, prior.unknown_score())
        codes = prior.encode(picture)
        tokens = torch.cat([scores[:, None], codes[:, :-1]], 1)
        with torch.autocast("cpu", torch.bfloat16):
            logits = prior(embeds, hidden, mask, tokens)
        return F.cross_entropy(logits.float().flatten(0, 1), codes.flatten())

    @torch.no_grad()
    def held_out_loss(self, prior):
        index = np.arange(len(self.sets["heldout"][0]))
        random = np.random.default_rng(1)
        return float(np.mean([self.loss(prior, "heldout", part, random, 0.0) for part in np.array_split(index, 6)]))


def main(rank, args):
    stage = Stage(args)
    torch.manual_seed(args.seed)
    prior = AutoregressivePrior(configs.AR_PRIOR)
    kept = stage.fit(prior)
    counter = [0]

    def step(random):
        counter[0] += 1
        index = random.integers(len(stage.sets["train"][0]), size=BATCH)
        loss = stage.loss(prior, "train", index, random, CAPTION_DROP)
        if counter[0] % args.validate_every == 0:
            print(f"step {counter[0]}: training loss {loss.item():.4f}, held-out {stage.held_out_loss(prior):.4f}", flush=True)
        return loss, {}, BATCH

    runner.train("ar_prior", args.work, rank, {"ar_prior": prior}, args.minutes, args.rate, step, args.seed, weight_decay=0.02)
    if rank == 0:
        evaluate(stage, args, kept)


@torch.no_grad()
def evaluate(stage, args, kept):
    """Embeddings sampled for held-out captions, beside the true ones and, where there is one, the diffusion prior's."""
    prior = AutoregressivePrior(configs.AR_PRIOR)
    runner.load_weights(os.path.join(args.work, "ar_prior.pt"), {"ar_prior": prior})
    pictures, _, true = stage.sets["heldout"]
    # Of each picture's captions the longest: short ones leave the place out.
    longest = (pictures.ids != stage.tokenizer.end).sum(-1).argmax(-1)
    ids = torch.from_numpy(pictures.ids[np.arange(len(longest)), longest][: args.samples].astype(np.int64))
    labels, true = pictures.labels[: args.samples], true[: args.samples]
    both = torch.cat([stage.empty.expand_as(ids), ids])
    text = (*stage.text(both), data.token_mask(both, stage.tokenizer.end))
    generators = [torch.Generator().manual_seed(args.seed + i) for i in range(len(ids))]
    codes = prior.encode(true)
    sets = {"true": true, "true, as codes": prior.decode(codes)}
    for scale in args.scales:
        sets[f"autoregressive, guidance {scale:g}"] = prior.decode(ar_prior.sample(prior, text, scale, generators))
    diffusion = os.path.join(args.model, "prior")
    if os.path.isdir(diffusion):
        other = towers.load_module(PriorTransformer(configs.PRIOR), diffusion, "diffusion_pytorch_model.safetensors").eval()
        sets["diffusion, 10 steps, guidance 2"] = pipeline.sample_prior(other, text, 10, 2.0, torch.Generator().manual_seed(args.seed))
    train = stage.sets["train"]
    probe = fit_probe(train[0], train[2])
    centre = prior.pca.bias
    error = (sets["true, as codes"] - true).norm() / (true - centre).norm()
    result = {"varianceKept": round(kept, 5), "reconstructionError": round(float(error), 4), "heldOutLoss": round(stage.held_out_loss(prior), 4)}
    for name, embeddings in sets.items():
        right = np.stack([probe[i](embeddings) == labels[:, i] for i in range(3)], 1)
        row = {"cosine": round(float(cosine(embeddings - centre, true - centre).mean()), 3)}
        row.update({head: round(float(right[:, i].mean()), 3) for i, head in enumerate(HEADS)}, all=round(float(right.all(1).mean()), 3))
        result[name] = row
    print(json.dumps(result, indent=2))
    with open(os.path.join(args.work, "ar_prior_evaluation.json"), "w") as file:
        json.dump(result, file, indent=2)


def fit_probe(pictures, embeddings):
    """Linear readings of thing, colour and place, fitted on training pictures: functions from embeddings to label indices."""
    mean, std = embeddings.mean(0), embeddings.std(0) + 1e-6
    x = F.pad((embeddings - mean) / std, (0, 1), value=1.0)
    readings = []
    for i in range(3):
        target = F.one_hot(torch.from_numpy(pictures.labels[:, i])).float()
        weights = torch.linalg.solve(x.T @ x + 10 * torch.eye(x.shape[1]), x.T @ target)
        readings.append(lambda e, w=weights: (F.pad((e - mean) / std, (0, 1), value=1.0) @ w).argmax(-1).numpy())
    return readings


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--model", default="models/bundled", help="towers come from here where work has no clip.pt")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--samples", type=int, default=600)
    parser.add_argument("--scales", type=float, nargs="+", default=[1.0, 2.0, 3.0])
    parser.add_argument("--validate-every", type=int, default=250)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--seed", type=int, default=7)
    arguments = parser.parse_args()
    # One process writes the caches before the others look for them.
    Stage(arguments)
    runner.launch(main, arguments)
