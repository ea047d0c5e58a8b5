"""Writes the trained parts as a diffusers folder in f16: export.py --data D --work W --out models/bundled

With --only prior_ar the autoregressive prior alone, into a folder that has everything else."""
import argparse
import json
import os
import shutil

import numpy as np
import torch

from unclip_torch import configs, data, runner, safetensors_io
from unclip_torch import tokenizer as bpe
from unclip_torch.ar_prior import AutoregressivePrior
from unclip_torch.trained import Trained

DIFFUSERS = {"prior": "PriorTransformer", "decoder": "UNet2DConditionModel", "super_res_first": "UNet2DModel", "super_res_last": "UNet2DModel"}
TRANSFORMERS = {"text_encoder": "CLIPTextModelWithProjection", "image_encoder": "CLIPVisionModelWithProjection", "tokenizer": "CLIPTokenizer", "feature_extractor": "CLIPImageProcessor"}
SCHEDULERS = {"prior_scheduler": 5.0, "decoder_scheduler": 1.0, "super_res_scheduler": 1.0}


def write_json(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")


def half(tensor):
    array = tensor.detach().contiguous().numpy()
    return array.astype(np.float16) if array.dtype == np.float32 else array


AR_PRIOR_INDEX = ["unclip", "AutoregressivePrior"]


def write_ar_prior(args):
    """The autoregressive prior, where it was trained: its folder, and whether there is one."""
    path = os.path.join(args.work, "ar_prior.pt")
    if not os.path.exists(path):
        return False
    prior = AutoregressivePrior(configs.AR_PRIOR)
    runner.load_weights(path, {"ar_prior": prior})
    write_json(os.path.join(args.out, "prior_ar", "config.json"), configs.AR_PRIOR)
    tensors = {k: half(v) for k, v in prior.state_dict().items()}
    safetensors_io.save(os.path.join(args.out, "prior_ar", "model.safetensors"), tensors)
    return True


def ar_defaults(args):
    return {"priorGuidanceScale": args.ar_scale, "priorTemperature": args.ar_temperature}


def add_ar_prior(args):
    """Into a finished folder: the component, its entry in model_index.json and its defaults in unclip.json."""
    if not write_ar_prior(args):
        raise SystemExit(f"{args.work} has no ar_prior.pt; run train_ar_prior.py first")
    index, card = (os.path.join(args.out, name) for name in ("model_index.json", "unclip.json"))
    write_json(index, dict(sorted({**data.read_json(index), "prior_ar": AR_PRIOR_INDEX}.items())))
    value = data.read_json(card)
    value["defaults"]["ar"] = ar_defaults(args)
    state = torch.load(os.path.join(args.work, "ar_prior.pt"), map_location="cpu", weights_only=False)
    minutes = {"processorMinutesPerProcess": round(state["spent"] / 60, 1), "pictures": state["pictures"]}
    value["training"]["stages"]["ar_prior"] = minutes
    write_json(card, value)


def model_index(with_ar_prior):
    entries = {name: ["diffusers", kind] for name, kind in DIFFUSERS.items()}
    entries.update({name: ["transformers", kind] for name, kind in TRANSFORMERS.items()})
    entries.update({name: ["diffusers", "UnCLIPScheduler"] for name in SCHEDULERS})
    entries["text_proj"] = ["unclip", "UnCLIPTextProjModel"]
    if with_ar_prior:
        entries["prior_ar"] = AR_PRIOR_INDEX
    return {"_class_name": "UnCLIPPipeline", "_diffusers_version": configs.VERSION, **dict(sorted(entries.items()))}


def card(args, trained, with_ar_prior):
    world = data.read_json(os.path.join(args.data, "world.json"))
    records = data.read_json(os.path.join(args.data, "train.json"))
    words = sorted({word for record in records for caption in record["captions"] for word in bpe.PATTERN.findall(caption) if word.isalpha()})
    relations = args.preset != "cpu"
    result = {
        "name": "bundled",
        "version": "1.0.0",
        "defaults": {
            "priorSteps": args.prior_steps, "decoderSteps": args.decoder_steps, "superResSteps": args.super_res_steps,
            "priorGuidanceScale": args.prior_scale, "decoderGuidanceScale": args.decoder_scale,
            **({"ar": ar_defaults(args)} if with_ar_prior else {}),
        },
        # Fits the probabilities of captions to held-out renders best (npm run eval:clip).
        "logitScale": 30,
        "vocabulary": words,
        "world": {
            "things": world["THINGS"], "colours": world["COLOURS"], "places": world["PLACES"],
            "relations": world["RELATIONS"] if relations else [], "styles": world["STYLES"] if relations else ["flat"],
        },
        # What the prior's way is told by: every thing in every colour at every place.
        "captions": {"pattern": "a {colours} {things} {where}", "words": {"where": [world["PLACE_PHRASES"][place][0] for place in world["PLACES"]]}},
        "training": {"preset": args.preset, "hardware": args.hardware, "stages": trained.records, "data": "pictures and captions rendered by training/world"},
    }
    evaluation = os.path.join(args.work, "evaluation.json")
    if os.path.exists(evaluation):
        result["evaluation"] = data.read_json(evaluation)
    return result


def main(args):
    trained = Trained(args, args.decoder)
    component_configs = {
        "prior": configs.PRIOR, "decoder": configs.DECODER, "text_proj": configs.TEXT_PROJ,
        "super_res_first": configs.super_res(256), "super_res_last": configs.super_res(None),
        "text_encoder": configs.text_config(len(trained.tokenizer.vocabulary)), "image_encoder": configs.VISION,
    }
    for name, config in component_configs.items():
        write_json(os.path.join(args.out, name, "config.json"), config)
        file = "model.safetensors" if name in TRANSFORMERS else "diffusion_pytorch_model.safetensors"
        safetensors_io.save(os.path.join(args.out, name, file), {k: half(v) for k, v in trained.parts[name].state_dict().items()})
    with_ar_prior = write_ar_prior(args)
    for name, clip_range in SCHEDULERS.items():
        write_json(os.path.join(args.out, name, "scheduler_config.json"), configs.scheduler(clip_range))
    write_json(os.path.join(args.out, "feature_extractor", "preprocessor_config.json"), configs.PREPROCESSOR)
    write_json(os.path.join(args.out, "model_index.json"), model_index(with_ar_prior))
    write_json(os.path.join(args.out, "unclip.json"), card(args, trained, with_ar_prior))
    shutil.copytree(os.path.join(args.work, "tokenizer"), os.path.join(args.out, "tokenizer"), dirs_exist_ok=True)
    total = sum(os.path.getsize(os.path.join(folder, f)) for folder, _, files in os.walk(args.out) for f in files)
    print(f"exported {total / 1e6:.1f} MB to {args.out}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--preset", default="cpu")
    parser.add_argument("--hardware", default="CPU")
    parser.add_argument("--decoder", default="decoder64")
    parser.add_argument("--prior-steps", type=int, default=10)
    parser.add_argument("--prior-scale", type=float, default=2.0)
    parser.add_argument("--decoder-steps", type=int, default=20)
    parser.add_argument("--decoder-scale", type=float, default=2.5)
    parser.add_argument("--super-res-steps", type=int, default=4)
    parser.add_argument("--ar-scale", type=float, default=2.0)
    parser.add_argument("--ar-temperature", type=float, default=1.0)
    parser.add_argument("--only", choices=["prior_ar"])
    arguments = parser.parse_args()
    (add_ar_prior if arguments.only else main)(arguments)
