"""Loads what has been trained so far, with averaged weights."""
import os

import torch

from . import configs, data, runner, super_res
from .clip import CLIPTextModelWithProjection, CLIPVisionModelWithProjection
from .prior import PriorTransformer, UnCLIPTextProjModel
from .unet import UNet


class Trained:
    def __init__(self, args, decoder="decoder64"):
        self.tokenizer = data.make_tokenizer(args.data, os.path.join(args.work, "tokenizer"))
        self.parts = {
            "text_encoder": CLIPTextModelWithProjection(configs.text_config(len(self.tokenizer.vocabulary))),
            "image_encoder": CLIPVisionModelWithProjection(configs.VISION),
            "prior": PriorTransformer(configs.PRIOR),
            "text_proj": UnCLIPTextProjModel(configs.TEXT_PROJ),
            "decoder": UNet(configs.DECODER),
        }
        # Untrained, these pass the upscaled picture on, so that a half-trained model can be exported and tried.
        upscalers = super_res.build(0)
        self.parts["super_res_first"], self.parts["super_res_last"] = upscalers["first"], upscalers["last"]
        p = self.parts
        self.records = {}
        early = os.path.join(args.work, "decoder32.pt")
        if decoder != "decoder32" and os.path.exists(early):
            self.note("decoder32", runner.load_weights(early, {}))
        for name, modules in (
            ("clip", {"text": p["text_encoder"], "image": p["image_encoder"]}),
            ("prior", {"prior": p["prior"]}),
            ("ar_prior", {}),
            (decoder, {"decoder": p["decoder"], "text_proj": p["text_proj"]}),
            ("super_res", {"first": p["super_res_first"], "last": p["super_res_last"]}),
        ):
            path = os.path.join(args.work, f"{name}.pt")
            if os.path.exists(path):
                state = runner.load_weights(path, modules)
                self.note(name, state)
        for part in p.values():
            part.eval().requires_grad_(False)
        torch.set_grad_enabled(False)

    def note(self, name, state):
        self.records[name] = {"processorMinutesPerProcess": round(state["spent"] / 60, 1), "pictures": state["pictures"]}
