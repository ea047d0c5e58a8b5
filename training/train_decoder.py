"""Stage 3: the decoder, from image embedding and text to 64 pixels; first at 32 pixels, where a step costs a quarter."""
import argparse
import os

import numpy as np
import torch
from torch.nn import functional as F

from train_prior import embed_pictures, load_text_encoder
from unclip_torch import configs, data, runner
from unclip_torch.prior import UnCLIPTextProjModel
from unclip_torch.scheduler import UnCLIPScheduler
from unclip_torch.unet import UNet

# Small, as the number of steps is what a short training lacks.
BATCH = {32: 16, 64: 8}
UNCONDITIONAL_SHARE = 0.1
# Image variations give the decoder an embedding and no text.
TEXT_DROP = 0.15
PRIOR_SHARE = 0.25
EMBEDDING_NOISE = 0.3
# A lower bound below one leaves the noisy steps, in which the shapes are decided, hardly any weight.
SNR_RANGE = (1.0, 5.0)


def build():
    return {"decoder": UNet(configs.DECODER).to(memory_format=torch.channels_last), "text_proj": UnCLIPTextProjModel(configs.TEXT_PROJ)}


class Conditions:
    """What the decoder is told about a batch of pictures."""

    def __init__(self, args, tokenizer, pictures):
        self.pictures, self.end = pictures, tokenizer.end
        self.embeddings = embed_pictures(args, tokenizer)
        self.spread = self.embeddings.std(0)
        samples = np.load(os.path.join(args.work, "prior_samples.npz"))
        self.samples, self.sample_captions = torch.from_numpy(samples["embeds"]), samples["captions"]
        self.text = load_text_encoder(args, tokenizer)
        self.empty = torch.from_numpy(tokenizer.encode([""], data.CROP)[0])[0]

    def draw(self, index, random):
        """(ids, image embeddings, which rows are unconditional); some embeddings are the prior's, some are noisy."""
        ids = self.pictures.captions(index, random)[0]
        image = self.embeddings[index]
        image = image + torch.randn_like(image) * self.spread * torch.rand(len(index), 1) * EMBEDDING_NOISE
        for row, picture in enumerate(index):
            if picture < len(self.samples) and random.random() < PRIOR_SHARE * len(self.pictures) / len(self.samples):
                image[row] = self.samples[picture]
                ids[row] = torch.from_numpy(self.pictures.ids[picture, self.sample_captions[picture]].astype(np.int64))
        chance = torch.rand(len(index))
        free = chance < UNCONDITIONAL_SHARE
        ids[chance < UNCONDITIONAL_SHARE + TEXT_DROP] = self.empty
        return data.crop(ids, self.end), image, free


def main(rank, args):
    tokenizer = data.make_tokenizer(args.data, os.path.join(args.work, "tokenizer"))
    pictures = data.Pictures(args.data, "train", 64, tokenizer)
    conditions = Conditions(args, tokenizer, pictures)
    schedule = UnCLIPScheduler(configs.scheduler(1.0))
    torch.manual_seed(args.seed)
    modules = build()
    decoder, text_proj = modules["decoder"], modules["text_proj"]
    name = f"decoder{args.size}"
    if args.start and not os.path.exists(os.path.join(args.work, f"{name}.pt")):
        runner.load_weights(os.path.join(args.work, f"{args.start}.pt"), modules)
    size, batch = args.size, BATCH[args.size]

    def step(random):
        index = random.integers(len(pictures), size=batch)
        clean = pictures.images(index)
        if size != 64:
            clean = F.avg_pool2d(clean, 64 // size)
        ids, image, free = conditions.draw(index, random)
        times = torch.randint(0, 1000, (batch,))
        noisy = schedule.add_noise(clean, torch.randn_like(clean), times).contiguous(memory_format=torch.channels_last)
        bar = schedule.alphas_cumprod[times]
        weight = (bar / (1 - bar)).clamp(*SNR_RANGE)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                embeds, hidden = conditions.text(ids)
            image = torch.where(free[:, None], text_proj.learned_classifier_free_guidance_embeddings, image)
            context, time = text_proj(image, embeds, hidden)
            mask = F.pad(data.token_mask(ids, tokenizer.end), (text_proj.tokens, 0), value=True)
            predicted = decoder(noisy, times, context, time.float(), mask).float()
        error = (predicted - clean).pow(2).mean((1, 2, 3))
        stats = {"error_noisy": error[times > 700].mean().nan_to_num(0).item(), "error_clear": error[times <= 700].mean().nan_to_num(0).item()}
        return (weight * error).mean(), stats, batch

    runner.train(name, args.work, rank, modules, args.minutes, args.rate, step, args.seed, weight_decay=0.01, decay=args.decay, floor=args.floor)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--size", type=int, choices=(32, 64), required=True)
    parser.add_argument("--start", help="checkpoint whose averaged weights to begin with")
    parser.add_argument("--minutes", type=float, required=True)
    parser.add_argument("--rate", type=float, default=1.5e-3)
    parser.add_argument("--floor", type=float, default=0.02, help="lowest share of the learning rate")
    parser.add_argument("--decay", type=float, default=0.998)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=7)
    runner.launch(main, parser.parse_args())
