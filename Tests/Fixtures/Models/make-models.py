#!/usr/bin/env python3
"""make-models.py DIR: two tiny Llama models with random weights in f32, as GGUF.

full.gguf has everything a Llama model may have: biases, scales of products, a table of rotary factors, grouped heads
and an output matrix. plain.gguf has none of these, but tied embeddings and linear rotary scaling. Their quantized forms and the logits beside them come from llama.cpp (see README.md).
"""
import random
import sys

from gguf_writer import write

WIDTH, HEADS, KV_HEADS, HEAD, FEED_FORWARD, LAYERS, CONTEXT = 64, 4, 2, 16, 96, 2, 128
PIECES = ["▁"] + list("abcdefghijklmnopqrstuvwxyz") + ["he", "▁t"]
TOKENS = ["<unk>", "<s>", "</s>"] + [f"<0x{b:02X}>" for b in range(256)] + PIECES
TYPES = [2, 3, 3] + [6] * 256 + [1] * len(PIECES)


def model(seed, full):
    rng = random.Random(seed)
    tensors = []

    def matrix(name, rows, columns):
        deviation = columns**-0.5
        tensors.append((name, [rows, columns], [rng.gauss(0, deviation) for _ in range(rows * columns)]))

    def vector(name, count, mean, deviation):
        tensors.append((name, [count], [rng.gauss(mean, deviation) for _ in range(count)]))

    def linear(name, rows, columns):
        matrix(f"{name}.weight", rows, columns)
        if full:
            vector(f"{name}.bias", rows, 0, 0.1)
            vector(f"{name}.scale", 1, 1, 0.2)

    matrix("token_embd.weight", len(TOKENS), WIDTH)
    vector("output_norm.weight", WIDTH, 1, 0.1)
    if full:
        matrix("output.weight", len(TOKENS), WIDTH)
        tensors.append(("rope_freqs.weight", [HEAD // 2], [1, 1, 1.5, 2, 3, 5, 8, 8]))
    for layer in range(LAYERS):
        prefix = f"blk.{layer}."
        vector(prefix + "attn_norm.weight", WIDTH, 1, 0.1)
        linear(prefix + "attn_q", HEADS * HEAD, WIDTH)
        linear(prefix + "attn_k", KV_HEADS * HEAD, WIDTH)
        linear(prefix + "attn_v", KV_HEADS * HEAD, WIDTH)
        linear(prefix + "attn_output", WIDTH, HEADS * HEAD)
        vector(prefix + "ffn_norm.weight", WIDTH, 1, 0.1)
        linear(prefix + "ffn_gate", FEED_FORWARD, WIDTH)
        linear(prefix + "ffn_up", FEED_FORWARD, WIDTH)
        linear(prefix + "ffn_down", WIDTH, FEED_FORWARD)
    metadata = {
        "general.architecture": "llama",
        "general.name": "tiny " + ("full" if full else "plain"),
        "llama.vocab_size": len(TOKENS),
        "llama.context_length": CONTEXT,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": FEED_FORWARD,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KV_HEADS,
        "llama.attention.key_length": HEAD,
        "llama.attention.value_length": HEAD,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.dimension_count": HEAD,
        "llama.rope.freq_base": 500000.0 if full else 10000.0,
        "tokenizer.ggml.model": "llama",
        "tokenizer.ggml.tokens": TOKENS,
        "tokenizer.ggml.token_type": TYPES,
        "tokenizer.ggml.scores": [0.0] * 259 + [-1.0 - i for i in range(len(PIECES))],
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
        "tokenizer.ggml.add_bos_token": True,
        "tokenizer.ggml.add_eos_token": False,
    }
    if not full:
        metadata["llama.rope.scaling.type"] = "linear"
        metadata["llama.rope.scaling.factor"] = 2.0
    return metadata, tensors


if __name__ == "__main__":
    for name, seed in ("full", 1), ("plain", 2):
        write(f"{sys.argv[1]}/{name}.gguf", *model(seed, name == "full"))
