"""Compares every module with recorded outputs of the original libraries: check_golden.py GOLDEN_FOLDER

The folder holds unclip-t2i/{model,golden} and unclip-i2i/{model,golden}. An export of modules that pass here can be run
by any program that runs the published checkpoints.
"""
import json
import os
import sys

import torch

from unclip_torch import safetensors_io
from unclip_torch.clip import CLIPTextModelWithProjection, CLIPVisionModelWithProjection
from unclip_torch.prior import PriorTransformer, UnCLIPTextProjModel
from unclip_torch.unet import UNet

LIMIT = 1e-4
failures = []


def tensors(path):
    return {k: torch.from_numpy(v) for k, v in safetensors_io.load(path).items()}


def load(kind, folder, name="diffusion_pytorch_model.safetensors"):
    with open(os.path.join(folder, "config.json")) as file:
        model = kind(json.load(file))
    model.load_state_dict(tensors(os.path.join(folder, name)), strict=True)
    return model.eval()


def compare(label, got, want):
    error = float((got - want).norm() / want.norm())
    print(f"{'ok  ' if error <= LIMIT else 'FAIL'} {error:.2e} {label}")
    if not error <= LIMIT:
        failures.append(label)


def check_hooks(label, model, golden, call):
    """Runs `call` while recording the submodules of which the golden file has outputs."""
    seen = {}
    for key in golden:
        if not key.startswith("hook."):
            continue
        module = model.get_submodule(key[5:])
        module.register_forward_hook(lambda _m, _i, out, key=key: seen.__setitem__(key, out[0] if isinstance(out, tuple) else out))
    out = call()
    for key, value in sorted(seen.items()):
        compare(f"{label} {key}", value, golden[key])
    return out


def check_unet(label, folder, golden):
    model = load(UNet, folder)
    args = [golden.get(k) for k in ("sample", "timestep", "encoder_hidden_states", "class_labels", "attention_mask")]
    compare(f"{label} out", check_hooks(label, model, golden, lambda: model(*args)), golden["out"])


def check_text(label, base):
    golden = tensors(f"{base}/golden/text_encoder.safetensors")
    embeds, hidden = load(CLIPTextModelWithProjection, f"{base}/model/text_encoder", "model.safetensors")(golden["input_ids"])
    compare(f"{label} text_embeds", embeds, golden["text_embeds"])
    compare(f"{label} last_hidden_state", hidden, golden["last_hidden_state"])
    golden = tensors(f"{base}/golden/text_proj.safetensors")
    model = load(UnCLIPTextProjModel, f"{base}/model/text_proj")
    image = golden["cfg.image_embeddings"]
    image = torch.cat([model.learned_classifier_free_guidance_embeddings.expand_as(image), image])
    context, time = model(image, golden["cfg.prompt_embeds"], golden["cfg.text_encoder_hidden_states"])
    compare(f"{label} context", context, golden["cfg.out_hidden_states"])
    compare(f"{label} time", time, golden["cfg.out_time_embeddings"])


def check_prior(base):
    golden = tensors(f"{base}/golden/prior_forward.safetensors")
    model = load(PriorTransformer, f"{base}/model/prior")
    args = [golden[k] for k in ("hidden_states", "timestep", "proj_embedding", "encoder_hidden_states", "attention_mask")]
    out = check_hooks("prior", model, golden, lambda: model(*args))
    compare("prior out", out, golden["predicted_image_embedding"])
    compare("prior without mask", model(*args[:4], None), golden["predicted_image_embedding_nomask"])
    # Cropping the masked tail, as training does, must not change anything.
    keep = int(golden["attention_mask"].sum(1).max())
    compare("prior cropped", model(*args[:3], args[3][:, :keep], args[4][:, :keep]), out)


def check_image(base):
    golden = tensors(f"{base}/golden/image_encoder.safetensors")
    model = load(CLIPVisionModelWithProjection, f"{base}/model/image_encoder", "model.safetensors")
    for name in ("gray", "landscape", "portrait", "square_small"):
        embeds, hidden = model(golden[f"{name}.pixel_values"])
        compare(f"image {name}", embeds, golden[f"{name}.image_embeds"])
        compare(f"image {name} hidden", hidden, golden[f"{name}.last_hidden_state"])


def main(root):
    torch.set_grad_enabled(False)
    for kind in ("unclip-t2i", "unclip-i2i"):
        base = os.path.join(root, kind)
        check_text(kind, base)
        for part in ("decoder", "super_res_first", "super_res_last"):
            check_unet(f"{kind} {part}", f"{base}/model/{part}", tensors(f"{base}/golden/{part}_forward.safetensors"))
    check_prior(os.path.join(root, "unclip-t2i"))
    check_image(os.path.join(root, "unclip-i2i"))
    print("all within" if not failures else f"{len(failures)} outside", LIMIT)
    sys.exit(bool(failures))


if __name__ == "__main__":
    main(sys.argv[1])
