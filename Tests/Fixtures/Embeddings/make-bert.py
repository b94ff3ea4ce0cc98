#!/usr/bin/env python3
"""make-bert.py DIR: a tiny BERT with random weights, as a folder of sentence-transformers and as GGUF, with its embeddings.

The embeddings are computed here, in float64 by numpy, from the formulas of Devlin et al. 2018: the independent measure that
the tests hold Pumice to. Texts are cut into words at spaces alone, so that the tokenizer is not what is tested.
"""
import json
import math
import os
import struct
import sys

import numpy as np

WIDTH, HEADS, FEED_FORWARD, LAYERS, CONTEXT, KINDS, EPSILON = 16, 2, 24, 2, 24, 2, 1e-12
# What the folder has as max_seq_length.
SHORT = 12
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "cat", "dog", "sits", "runs", "out", "in", "side", "under", "a", "red", "blue", "house", "!", ",", "42"]
PARTS = ["##side", "##s", "##ed", "##er", "##ing", "##t"]
TOKENS = SPECIAL + WORDS + PARTS
TEXTS = [
    "the cat sits outside", "a dog runs", "", "RED houses", "unknownword under the house",
    "a red cat , a blue dog , a red cat , a blue dog , a red cat , a blue dog , a red cat , a blue dog !",
]


def words(text):
    """WordPiece: the longest token that fits, again and again."""
    for word in text.lower().split():
        pieces, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = ("##" if start else "") + word[start:end]
                if piece in TOKENS:
                    break
            else:
                pieces = ["[UNK]"]
                break
            pieces.append(piece)
            start = end
        yield from pieces


def encode(text, limit):
    tokens = [TOKENS.index("[CLS]")] + [TOKENS.index(piece) for piece in words(text)][: limit - 2]
    return tokens + [TOKENS.index("[SEP]")]


def weights():
    rng = np.random.default_rng(20)
    w = {}

    def matrix(name, rows, columns):
        w[name] = rng.normal(0, 1.5 / math.sqrt(columns), (rows, columns)).astype(np.float32)

    def linear(name, rows, columns):
        matrix(name + ".weight", rows, columns)
        w[name + ".bias"] = rng.normal(0, 0.2, rows).astype(np.float32)

    def norm(name):
        w[name + ".weight"] = rng.normal(1, 0.2, WIDTH).astype(np.float32)
        w[name + ".bias"] = rng.normal(0, 0.2, WIDTH).astype(np.float32)

    matrix("embeddings.word_embeddings.weight", len(TOKENS), WIDTH)
    matrix("embeddings.position_embeddings.weight", CONTEXT, WIDTH)
    matrix("embeddings.token_type_embeddings.weight", KINDS, WIDTH)
    norm("embeddings.LayerNorm")
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}."
        for name in ["query", "key", "value"]:
            linear(layer + "attention.self." + name, WIDTH, WIDTH)
        linear(layer + "attention.output.dense", WIDTH, WIDTH)
        norm(layer + "attention.output.LayerNorm")
        linear(layer + "intermediate.dense", FEED_FORWARD, WIDTH)
        linear(layer + "output.dense", WIDTH, FEED_FORWARD)
        norm(layer + "output.LayerNorm")
    # Present in real models, and of no use for embeddings.
    linear("pooler.dense", WIDTH, WIDTH)
    return w


def states(w, tokens):
    """The vectors of the tokens after the last layer."""

    def linear(name, x):
        return x @ w[name + ".weight"].astype(float).T + w[name + ".bias"]

    def norm(name, x):
        centered = x - x.mean(axis=1, keepdims=True)
        scaled = centered / np.sqrt((centered**2).mean(axis=1, keepdims=True) + EPSILON)
        return scaled * w[name + ".weight"] + w[name + ".bias"]

    def softmax(x):
        e = np.exp(x - x.max(axis=-1, keepdims=True))
        return e / e.sum(axis=-1, keepdims=True)

    gelu = np.vectorize(lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))))
    size = WIDTH // HEADS
    x = w["embeddings.word_embeddings.weight"][tokens].astype(float)
    x = x + w["embeddings.position_embeddings.weight"][: len(tokens)] + w["embeddings.token_type_embeddings.weight"][0]
    x = norm("embeddings.LayerNorm", x)
    for i in range(LAYERS):
        layer = f"encoder.layer.{i}."
        q, k, v = (
            linear(layer + "attention.self." + name, x).reshape(len(tokens), HEADS, size)
            for name in ["query", "key", "value"]
        )
        scores = np.einsum("ihd,jhd->hij", q, k) / math.sqrt(size)
        attended = np.einsum("hij,jhd->ihd", softmax(scores), v).reshape(len(tokens), WIDTH)
        x = norm(layer + "attention.output.LayerNorm", x + linear(layer + "attention.output.dense", attended))
        hidden = gelu(linear(layer + "intermediate.dense", x))
        x = norm(layer + "output.LayerNorm", x + linear(layer + "output.dense", hidden))
    return x


def safetensors(path, w):
    header, offset = {}, 0
    for name, x in w.items():
        header[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [offset, offset + x.nbytes]}
        offset += x.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(x.tobytes() for x in w.values()))


def dump(path, value):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1)
        file.write("\n")


def folder(path, w):
    os.makedirs(path + "/1_Pooling", exist_ok=True)
    safetensors(path + "/model.safetensors", w)
    dump(path + "/config.json", {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu", "hidden_size": WIDTH,
        "intermediate_size": FEED_FORWARD, "layer_norm_eps": EPSILON, "max_position_embeddings": CONTEXT,
        "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "pad_token_id": 0,
        "position_embedding_type": "absolute", "type_vocab_size": KINDS, "vocab_size": len(TOKENS),
    })
    dump(path + "/modules.json", [
        {"idx": i, "name": str(i), "path": p, "type": "sentence_transformers.models." + t}
        for i, (p, t) in enumerate([("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")])
    ])
    dump(path + "/1_Pooling/config.json", {
        "word_embedding_dimension": WIDTH, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True,
        "pooling_mode_max_tokens": False, "pooling_mode_mean_sqrt_len_tokens": False,
    })
    dump(path + "/sentence_bert_config.json", {"max_seq_length": SHORT, "do_lower_case": False})
    dump(path + "/tokenizer_config.json", {
        "do_lower_case": True, "unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]",
        "mask_token": "[MASK]", "tokenizer_class": "BertTokenizer",
    })
    single = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
              {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]
    dump(path + "/tokenizer.json", {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [
            {"id": i, "special": True, "content": token, "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False} for i, token in enumerate(SPECIAL)
        ],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing", "single": single,
            "pair": single + [{"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
            "special_tokens": {
                name: {"id": name, "ids": [TOKENS.index(name)], "tokens": [name]} for name in ["[CLS]", "[SEP]"]
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100, "vocab": {token: i for i, token in enumerate(TOKENS)}},
    })


def gguf(path, w):
    names = {
        "embeddings.word_embeddings": "token_embd", "embeddings.position_embeddings": "position_embd",
        "embeddings.token_type_embeddings": "token_types", "embeddings.LayerNorm": "token_embd_norm",
    }
    for i in range(LAYERS):
        for theirs, ours in [
            ("attention.self.query", "attn_q"), ("attention.self.key", "attn_k"), ("attention.self.value", "attn_v"),
            ("attention.output.dense", "attn_output"), ("attention.output.LayerNorm", "attn_output_norm"),
            ("intermediate.dense", "ffn_up"), ("output.dense", "ffn_down"), ("output.LayerNorm", "layer_output_norm"),
        ]:
            names[f"encoder.layer.{i}.{theirs}"] = f"blk.{i}.{ours}"
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../Models"))
    from gguf_writer import write

    pieces = [t if t in SPECIAL else t[2:] if t.startswith("##") else "\u2581" + t for t in TOKENS]
    metadata = {
        "general.architecture": "bert", "bert.context_length": CONTEXT, "bert.embedding_length": WIDTH,
        "bert.block_count": LAYERS, "bert.feed_forward_length": FEED_FORWARD, "bert.attention.head_count": HEADS,
        "bert.attention.layer_norm_epsilon": EPSILON, "bert.attention.causal": False, "bert.pooling_type": 1,
        "tokenizer.ggml.model": "bert", "tokenizer.ggml.tokens": pieces,
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(TOKENS) - len(SPECIAL)),
        "tokenizer.ggml.token_type_count": KINDS,
    }
    for key, token in [("bos", "[CLS]"), ("eos", "[SEP]"), ("unknown", "[UNK]"), ("seperator", "[SEP]"),
                       ("padding", "[PAD]"), ("cls", "[CLS]"), ("mask", "[MASK]")]:
        metadata[f"tokenizer.ggml.{key}_token_id"] = TOKENS.index(token)
    tensors = []
    for name, x in w.items():
        stem, end = name.rsplit(".", 1)
        if stem in names:
            tensors.append((f"{names[stem]}.{end}", list(x.shape), [float(v) for v in x.ravel()]))
    write(path, metadata, tensors)


def main():
    out = sys.argv[1]
    w = weights()
    folder(out + "/tiny-bert", w)
    gguf(out + "/tiny-bert.gguf", w)
    results = []
    for text in TEXTS:
        for limit in CONTEXT, SHORT:
            tokens = encode(text, limit)
            if limit == CONTEXT or len(encode(text, CONTEXT)) > limit:
                vectors = [[round(v, 7) for v in row] for row in states(w, tokens)]
                results.append({"text": text, "limit": limit, "tokens": tokens, "vectors": vectors})
    with open(out + "/tiny-bert.json", "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(map(json.dumps, results)) + "\n]\n")


main()
