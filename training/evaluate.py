"""Draws held-out prompts and lets the checker judge them; also writes a sheet of samples."""
import argparse
import json
import os
import time

import torch

import train_checker
from unclip_torch import data, pipeline, png
from unclip_torch.trained import Trained


def draw(trained, prompts, args, generator, length=77):
    """64-pixel pictures of the prompts."""
    parts = trained.parts
    text = pipeline.encode_text(parts["text_encoder"], trained.tokenizer, prompts, length)
    embeds = pipeline.sample_prior(parts["prior"], text, args.prior_steps, args.prior_scale, generator)
    size = 32 if args.decoder == "decoder32" else 64
    return pipeline.sample_decoder(parts["decoder"], parts["text_proj"], embeds, text, args.decoder_steps, args.decoder_scale, generator, size)


def judge(checker, images, wanted, heads):
    """For each picture which of thing, colour and place are right."""
    if images.shape[-1] != 64:
        images = torch.nn.functional.interpolate(images, size=(64, 64), mode="bilinear", align_corners=False)
    seen = {name: logits.argmax(-1) for name, logits in checker(images).items()}
    return torch.tensor([[heads[k][int(seen[k][i])] == w[k] for k in heads] for i, w in enumerate(wanted)])


def shares(right):
    values = right.float().mean(0).tolist() + [right.all(1).float().mean().item()]
    return dict(zip(("thing", "colour", "place", "all"), (round(v, 3) for v in values)))


def main(args):
    torch.set_num_threads(args.threads)
    trained = Trained(args, args.decoder)
    checker, heads = train_checker.load(args), train_checker.heads_of(args)
    wanted = data.read_json(os.path.join(args.data, "prompts.json"))[: args.prompts]
    buses = [
        {"prompt": f"a green school bus {where}", "thing": "school bus", "colour": "green", "place": place}
        for where, place in (("parked in a parking lot", "parking lot"), ("on the beach", "beach"), ("on the grass", "grass"), ("in the living room", "living room"))
        for _ in range(args.buses // 4)
    ]
    buses += [{"prompt": "a green school bus parked in a parking lot", "thing": "school bus", "colour": "green", "place": "parking lot"}] * args.buses
    generator = torch.Generator().manual_seed(args.seed)
    started = time.time()
    result = {}
    for label, group in (("held-out prompts", wanted), ("green school buses", buses)):
        rights, sheets = [], []
        for start in range(0, len(group), args.batch):
            part = group[start : start + args.batch]
            images = draw(trained, [w["prompt"] for w in part], args, generator, args.length)
            rights.append(judge(checker, images, part, heads))
            sheets.append(images)
        if not rights:
            continue
        right = torch.cat(rights)
        result[label] = {"prompts": len(group), **shares(right)}
        print(label, result[label], flush=True)
        for thing in heads["thing"] if label.startswith("held") else []:
            rows = torch.tensor([w["thing"] == thing for w in group])
            if rows.any():
                print("   ", thing, int(rows.sum()), shares(right[rows]))
        png.sheet(os.path.join(args.work, f"sheet_{args.decoder}_{label.split()[0]}.png"), torch.cat(sheets)[:48], 8, 2)
    print(f"{time.time() - started:.0f} s; " + ", ".join(f"{k} {v}" for k, v in trained.records.items()), flush=True)
    with open(os.path.join(args.work, "evaluation.json"), "w") as file:
        json.dump(result, file, indent=2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--decoder", default="decoder64")
    parser.add_argument("--prompts", type=int, default=200)
    parser.add_argument("--buses", type=int, default=24)
    parser.add_argument("--batch", type=int, default=20)
    parser.add_argument("--length", type=int, default=24, help="text positions; 77 gives the same pictures more slowly")
    parser.add_argument("--prior-steps", type=int, default=10)
    parser.add_argument("--prior-scale", type=float, default=2.0)
    parser.add_argument("--decoder-steps", type=int, default=20)
    parser.add_argument("--decoder-scale", type=float, default=2.5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    main(parser.parse_args())
