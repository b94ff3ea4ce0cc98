"""A small Llama: RMSNorm, rotary positions, grouped-query attention, SwiGLU, tied embeddings.

The rotary embedding turns *adjacent* pairs (2i, 2i+1) of a head. That is what GGUF's `llama`
architecture means, so q and k weights go into the file as they are; models trained with pairs
(i, i + head_size/2) would need their rows permuted.
"""

from dataclasses import asdict, dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass(frozen=True)
class Shape:
    """Every size of the model. Rows are multiples of 256, so all block formats of GGUF fit."""

    vocabulary: int = 1024
    context: int = 1024
    width: int = 256
    layers: int = 4
    heads: int = 4
    kv_heads: int = 2
    feed_forward: int = 512
    rope_base: float = 10000.0
    norm_epsilon: float = 1e-5

    @property
    def head_size(self):
        return self.width // self.heads

    def as_dict(self):
        return asdict(self)


def rotations(shape, device=None):
    """cos and sin of each position's angles, (context, head_size / 2) each."""
    powers = torch.arange(0, shape.head_size, 2, device=device).float() / shape.head_size
    angles = torch.outer(torch.arange(shape.context, device=device).float(), shape.rope_base**-powers)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Turns the adjacent pairs of x, (batch, heads, positions, head_size), by their positions."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Attention(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.q = nn.Linear(shape.width, shape.heads * shape.head_size, bias=False)
        self.k = nn.Linear(shape.width, shape.kv_heads * shape.head_size, bias=False)
        self.v = nn.Linear(shape.width, shape.kv_heads * shape.head_size, bias=False)
        self.output = nn.Linear(shape.heads * shape.head_size, shape.width, bias=False)

    def start_as_copy(self, strength=0.15):
        """Lets each head start by giving back a little of what it reads: output = value transposed.

        With random weights, thousands of steps pass before attention carries a name from the place
        where it was told to the place where it is needed; from here, that way is open at once.
        """
        group = self.shape.heads // self.shape.kv_heads
        value = self.v.weight.data.view(self.shape.kv_heads, self.shape.head_size, -1)
        per_head = value.repeat_interleave(group, dim=0).flatten(0, 1)
        self.output.weight.data.copy_(strength * per_head.T)

    def forward(self, x, cos, sin, cache=None):
        """`cache`, where there is one, is a list that keeps k and v of the positions so far."""
        batch, length, _ = x.shape
        split = lambda y: y.view(batch, length, -1, self.shape.head_size).transpose(1, 2)
        q, k, v = rotate(split(self.q(x)), cos, sin), rotate(split(self.k(x)), cos, sin), split(self.v(x))
        if cache is not None:
            if cache:
                k, v = torch.cat((cache[0], k), dim=2), torch.cat((cache[1], v), dim=2)
            cache[:] = [k, v]
        # Query head h reads key and value head h // group: each kv head serves neighbours.
        group = self.shape.heads // self.shape.kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        # With a cache, more than one new position comes only at the start, where causal is right.
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
        return self.output(mixed.transpose(1, 2).reshape(batch, length, -1))


class FeedForward(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.gate = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.up = nn.Linear(shape.width, shape.feed_forward, bias=False)
        self.down = nn.Linear(shape.feed_forward, shape.width, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.attention_norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        self.attention = Attention(shape)
        self.feed_forward_norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        self.feed_forward = FeedForward(shape)

    def forward(self, x, cos, sin, cache=None):
        x = x + self.attention(self.attention_norm(x), cos, sin, cache)
        return x + self.feed_forward(self.feed_forward_norm(x))


class Llama(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.width, eps=shape.norm_epsilon)
        cos, sin = rotations(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        self.initialize()

    def initialize(self):
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                embeds = weight is self.embedding.weight
                nn.init.normal_(weight, std=0.02 if embeds else weight.shape[1] ** -0.5)
            # Each block adds to the stream twice; smaller first steps keep its size even.
            if name.endswith("feed_forward.down.weight"):
                weight.data /= (2 * self.shape.layers) ** 0.5
        for block in self.blocks:
            block.attention.start_as_copy()

    def forward(self, tokens, caches=None):
        """Logits of each position; `caches` is one list for each layer, see Attention."""
        start = caches[0][0].shape[2] if caches and caches[0] else 0
        cos, sin = (table[start : start + tokens.shape[1]] for table in (self.cos, self.sin))
        x = self.embedding(tokens)
        for index, block in enumerate(self.blocks):
            x = block(x, cos, sin, caches[index] if caches is not None else None)
        return F.linear(self.output_norm(x), self.embedding.weight)

    def parameter_count(self):
        return sum(weight.numel() for weight in self.parameters())
