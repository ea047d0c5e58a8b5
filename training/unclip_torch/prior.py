"""PriorTransformer (text to image embedding) and UnCLIPTextProjModel, with the parameter names of diffusers 0.21."""
import torch
from torch import nn
from torch.nn import functional as F

from .blocks import TimestepEmbedding, sinusoid


class SelfAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width)
        self.to_v = nn.Linear(width, width)
        self.to_out = nn.ModuleList([nn.Linear(width, width)])

    def forward(self, x, bias):
        batch, length, width = x.shape
        q, k, v = (p(x).view(batch, length, self.heads, -1).transpose(1, 2) for p in (self.to_q, self.to_k, self.to_v))
        scores = q @ k.transpose(-1, -2) * (width // self.heads) ** -0.5 + bias
        return self.to_out[0]((scores.softmax(-1) @ v).transpose(1, 2).reshape(batch, length, width))


class Gelu(nn.Module):
    def __init__(self, width, inner):
        super().__init__()
        self.proj = nn.Linear(width, inner)

    def forward(self, x):
        return F.gelu(self.proj(x))


class FeedForward(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.ModuleList([Gelu(width, width * 4), nn.Identity(), nn.Linear(width * 4, width)])

    def forward(self, x):
        return self.net[2](self.net[0](x))


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attn1 = SelfAttention(width, heads)
        self.norm3 = nn.LayerNorm(width)
        self.ff = FeedForward(width)

    def forward(self, x, bias):
        x = x + self.attn1(self.norm1(x), bias)
        return x + self.ff(self.norm3(x))


class PriorTransformer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        heads, embedding = config["num_attention_heads"], config["embedding_dim"]
        width = heads * config["attention_head_dim"]
        length = config["num_embeddings"] + config["additional_embeddings"]
        self.time_embedding = TimestepEmbedding(width, width)
        self.proj_in = nn.Linear(embedding, width)
        self.embedding_proj = nn.Linear(embedding, width)
        self.encoder_hidden_states_proj = nn.Linear(embedding, width)
        self.positional_embedding = nn.Parameter(torch.randn(1, length, width) * 0.02)
        self.prd_embedding = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.transformer_blocks = nn.ModuleList(Block(width, heads) for _ in range(config["num_layers"]))
        self.norm_out = nn.LayerNorm(width)
        self.proj_to_clip_embeddings = nn.Linear(width, embedding)
        self.clip_mean = nn.Parameter(torch.zeros(1, embedding), requires_grad=False)
        self.clip_std = nn.Parameter(torch.ones(1, embedding), requires_grad=False)

    def forward(self, noisy, timesteps, text_embeds, hidden_states, mask):
        """Predicts the normalised image embedding. Fewer than 77 text tokens are exact if the rest is masked."""
        batch, count = hidden_states.shape[:2]
        extra = [
            self.embedding_proj(text_embeds),
            self.time_embedding(sinusoid(timesteps.expand(batch), self.positional_embedding.shape[-1])),
            self.proj_in(noisy),
        ]
        x = torch.cat(
            [self.encoder_hidden_states_proj(hidden_states), torch.stack(extra, 1), self.prd_embedding.expand(batch, -1, -1)], 1
        )
        full = self.config["num_embeddings"]
        x = x + torch.cat([self.positional_embedding[:, :count], self.positional_embedding[:, full:]], 1)
        length = x.shape[1]
        bias = torch.zeros(1, 1, 1, 1, device=x.device)
        if mask is not None:
            # diffusers applies the causal mask only together with a padding mask.
            causal = torch.full((length, length), -10000.0, device=x.device).triu(1)
            bias = (F.pad((1 - mask.float()) * -10000.0, (0, 4))[:, None, :] + causal)[:, None]
        for block in self.transformer_blocks:
            x = block(x, bias)
        return self.proj_to_clip_embeddings(self.norm_out(x)[:, -1])

    def denormalise(self, latents):
        return latents * self.clip_std + self.clip_mean


class UnCLIPTextProjModel(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        embedding, context = config["clip_embeddings_dim"], config["cross_attention_dim"]
        self.tokens = config["clip_extra_context_tokens"]
        self.learned_classifier_free_guidance_embeddings = nn.Parameter(torch.zeros(embedding))
        self.embedding_proj = nn.Linear(embedding, config["time_embed_dim"])
        self.clip_image_embeddings_project_to_time_embeddings = nn.Linear(embedding, config["time_embed_dim"])
        self.clip_extra_context_tokens_proj = nn.Linear(embedding, self.tokens * context)
        self.encoder_hidden_states_proj = nn.Linear(embedding, context)
        self.text_encoder_hidden_states_norm = nn.LayerNorm(context)

    def forward(self, image_embeds, text_embeds, hidden_states):
        """Returns (context, additive time embedding); image_embeds already hold the learned one where unconditional."""
        time = self.clip_image_embeddings_project_to_time_embeddings(image_embeds) + self.embedding_proj(text_embeds)
        # The token index is the fastest axis of the linear output.
        extra = self.clip_extra_context_tokens_proj(image_embeds).reshape(len(image_embeds), -1, self.tokens).permute(0, 2, 1)
        text = self.text_encoder_hidden_states_norm(self.encoder_hidden_states_proj(hidden_states))
        return torch.cat([extra, text], 1), time
