"""The autoregressive prior of DALL·E 2 (arXiv 2204.06125, section 2.2): text to image embedding, one PCA code after another.

An image embedding becomes `num_codes` coordinates along its principal axes, largest variance first, each rounded to one
of `num_buckets` values. A causal transformer predicts the codes after a prefix of the caption's tokens, its CLIP
embedding and a token for how well picture and caption shall agree (their cosine, in `num_scores` buckets).
"""
import torch
from torch import nn
from torch.nn import functional as F

from .prior import Block

# Buckets cover this many standard deviations of a component to either side; what lies beyond falls into the last ones.
RANGE = 3.5


class AutoregressivePrior(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        heads, embedding = config["num_attention_heads"], config["embedding_dim"]
        width = heads * config["attention_head_dim"]
        codes, buckets, scores = config["num_codes"], config["num_buckets"], config["num_scores"]
        self.prefix = config["num_embeddings"] + 1
        self.encoder_hidden_states_proj = nn.Linear(embedding, width)
        self.embedding_proj = nn.Linear(embedding, width)
        self.positional_embedding = nn.Parameter(torch.randn(1, self.prefix + codes, width) * 0.02)
        # Codes, then scores, then the token of an unknown score, which the unconditional half has.
        self.token_embedding = nn.Embedding(buckets + scores + 1, width)
        nn.init.normal_(self.token_embedding.weight, std=0.02)
        self.transformer_blocks = nn.ModuleList(Block(width, heads) for _ in range(config["num_layers"]))
        self.norm_out = nn.LayerNorm(width)
        self.to_logits = nn.Linear(width, buckets)
        # From coordinates in standard deviations back to an embedding.
        self.pca = nn.Linear(codes, embedding).requires_grad_(False)
        edges = torch.linspace(-RANGE, RANGE, buckets + 1)
        self.bucket_centres = nn.Parameter(((edges[1:] + edges[:-1]) / 2)[:, None], requires_grad=False)
        self.score_edges = nn.Parameter(torch.zeros(scores - 1), requires_grad=False)

    @torch.no_grad()
    def fit(self, embeddings, scores):
        """Principal axes of embeddings [N, E], by falling variance, and the quantiles of scores [N]."""
        codes = self.config["num_codes"]
        mean = embeddings.double().mean(0)
        variance, axes = torch.linalg.eigh((embeddings.double() - mean).T.cov(correction=0))
        order = torch.arange(len(variance) - 1, -1, -1)[:codes]
        self.pca.weight.copy_(axes[:, order] * variance[order].sqrt())
        self.pca.bias.copy_(mean)
        share = torch.arange(1, self.config["num_scores"]) / self.config["num_scores"]
        self.score_edges.copy_(torch.quantile(scores.float(), share))
        return float(variance[order].sum() / variance.sum())

    def encode(self, embeddings):
        """Codes [N, K] of embeddings [N, E]."""
        z = (embeddings - self.pca.bias) @ self.pca.weight / self.pca.weight.pow(2).sum(0)
        buckets = self.config["num_buckets"]
        return ((z + RANGE) * (buckets / (2 * RANGE))).floor().long().clamp(0, buckets - 1)

    def decode(self, codes):
        """Embeddings [N, E] of codes [N, K]."""
        return self.pca(self.bucket_centres[codes][..., 0])

    def score_tokens(self, scores):
        """Token ids [N] of cosines [N]."""
        return self.config["num_buckets"] + torch.bucketize(scores, self.score_edges)

    def unknown_score(self):
        return self.config["num_buckets"] + self.config["num_scores"]

    def forward(self, text_embeds, hidden_states, mask, tokens):
        """Logits [N, L, buckets] after each of tokens [N, L]: the score's, then codes. Fewer than 77 text positions are exact."""
        count, length = hidden_states.shape[1], tokens.shape[1]
        x = torch.cat(
            [self.encoder_hidden_states_proj(hidden_states), self.embedding_proj(text_embeds)[:, None], self.token_embedding(tokens)], 1
        )
        text = self.prefix - 1
        x = x + torch.cat([self.positional_embedding[:, :count], self.positional_embedding[:, text : text + 1 + length]], 1)
        total = x.shape[1]
        causal = torch.full((total, total), -10000.0, device=x.device).triu(1)
        bias = (F.pad((1 - mask.float()) * -10000.0, (0, 1 + length))[:, None, :] + causal)[:, None]
        for block in self.transformer_blocks:
            x = block(x, bias)
        return self.to_logits(self.norm_out(x[:, -length:]))


def uniform_noise(config, generators):
    """What sampling draws for each picture: a uniform number for the score, then Gumbel noise [K, buckets] for the codes."""
    choice, noise = [], []
    for generator in generators:
        choice.append(torch.rand(1, generator=generator))
        uniform = torch.rand(config["num_codes"], config["num_buckets"], generator=generator).double()
        # torch.rand is a multiple of 2^-24 below 1: the middle of its interval is never 0 or 1.
        noise.append(-torch.log(-torch.log(uniform + 2.0**-25)))
    return torch.cat(choice), torch.stack(noise).float()


def top_half_scores(config, choice):
    """Score tokens drawn from the upper half of the training distribution, as the paper does."""
    half = config["num_scores"] // 2
    return config["num_buckets"] + half + (choice * (config["num_scores"] - half)).long()


def choose(logits, noise, temperature, top_k):
    """A draw from softmax(logits / temperature) over the top_k largest (0: all), by the Gumbel-max trick."""
    if top_k:
        order = logits.argsort(dim=-1, descending=True, stable=True)
        logits = logits.scatter(-1, order[:, top_k:], float("-inf"))
    return (logits + temperature * noise).argmax(-1)


@torch.no_grad()
def sample(prior, text, scale, generators, temperature=1.0, top_k=0):
    """Codes [N, K] for encoded text of 2N rows, the unconditional half first."""
    embeds, hidden, mask = text
    config = prior.config
    choice, noise = uniform_noise(config, generators)
    score = top_half_scores(config, choice)
    tokens = torch.cat([torch.full_like(score, prior.unknown_score()), score])[:, None]
    for step in range(config["num_codes"]):
        unconditional, conditional = prior(embeds, hidden, mask, tokens)[:, -1].chunk(2)
        logits = unconditional + scale * (conditional - unconditional)
        code = choose(logits, noise[:, step], temperature, top_k)
        tokens = torch.cat([tokens, code.repeat(2)[:, None]], 1)
    return tokens[len(score) :, 1:]
