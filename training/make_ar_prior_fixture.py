"""A tiny random autoregressive prior with its outputs, which the engine is tested against: make_ar_prior_fixture.py FOLDER"""
import json
import os
import sys

import torch
from torch import nn

from unclip_torch import ar_prior, safetensors_io
from unclip_torch.ar_prior import AutoregressivePrior

CONFIG = {
    "_class_name": "AutoregressivePrior", "attention_head_dim": 8, "embedding_dim": 12, "num_attention_heads": 2,
    "num_buckets": 16, "num_codes": 7, "num_embeddings": 9, "num_layers": 2, "num_scores": 5,
}
# Guidance scale, temperature and top-k of each picture's draw.
SETTINGS = ((1.5, 1.0, 0), (3.0, 0.8, 0), (2.0, 1.0, 4))


def numpy(tensors):
    return {name: tensor.detach().contiguous().numpy() for name, tensor in tensors.items()}


@torch.no_grad()
def main(folder):
    torch.manual_seed(3)
    batch = len(SETTINGS)
    prior = AutoregressivePrior(CONFIG).eval()
    for parameter in prior.parameters():
        # Larger than at the start of training, so that every part shows in the logits.
        nn.init.normal_(parameter, std=0.4)
    prior.fit(torch.randn(200, CONFIG["embedding_dim"]) @ torch.randn(CONFIG["embedding_dim"], CONFIG["embedding_dim"]), torch.rand(200))
    prior.bucket_centres.copy_(AutoregressivePrior(CONFIG).bucket_centres)
    text, embedding = CONFIG["num_embeddings"], CONFIG["embedding_dim"]
    embeds, hidden = torch.randn(2 * batch, embedding), torch.randn(2 * batch, text, embedding)
    lengths = torch.tensor([2, 2, 2, 5, 9, 7])
    mask = torch.arange(text)[None] < lengths[:, None]
    tokens = torch.randint(CONFIG["num_buckets"], (2 * batch, CONFIG["num_codes"]))
    tokens[:, 0] = torch.randint(CONFIG["num_buckets"], prior.unknown_score() + 1, (2 * batch,))
    seeds = [11, 12, 13]
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    codes, logits = [], []
    for k, (scale, temperature, top_k) in enumerate(SETTINGS):
        rows = torch.tensor([k, batch + k])
        own = (embeds[rows], hidden[rows], mask[rows])
        drawn = ar_prior.sample(prior, own, scale, generators[k : k + 1], temperature, top_k)
        generators[k].manual_seed(seeds[k])
        score = ar_prior.top_half_scores(CONFIG, ar_prior.uniform_noise(CONFIG, generators[k : k + 1])[0])
        fed = torch.cat([torch.stack([torch.full_like(score, prior.unknown_score()), score]), drawn[:, :-1].expand(2, -1)], 1)
        codes.append(drawn)
        logits.append(prior(*own, fed))
    codes, logits = torch.cat(codes), torch.stack(logits, 1)
    golden = {
        "text_embeds": embeds, "hidden_states": hidden, "mask": mask.float(), "tokens": tokens,
        "forward": prior(embeds, hidden, mask, tokens),
        "settings": torch.tensor([[*setting, 0.0] for setting in SETTINGS]), "seeds": torch.tensor(seeds),
        # [2 (unconditional first), pictures, codes, buckets]: after each token of the draw.
        "step_logits": logits, "codes": codes, "image_embeds": prior.decode(codes),
    }
    os.makedirs(os.path.join(folder, "prior_ar"), exist_ok=True)
    with open(os.path.join(folder, "prior_ar", "config.json"), "w") as file:
        json.dump(CONFIG, file, indent=2)
        file.write("\n")
    safetensors_io.save(os.path.join(folder, "prior_ar", "model.safetensors"), numpy(prior.state_dict()))
    safetensors_io.save(os.path.join(folder, "golden.safetensors"), numpy(golden))


if __name__ == "__main__":
    main(sys.argv[1])
