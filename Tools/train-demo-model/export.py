"""Writes the trained model as GGUF, and reads it back as the program that runs it would.

    python export.py        .build/ -> demo.gguf, the tokenizer fixture, held-out perplexity of the file
"""

import argparse
import json
from pathlib import Path

import numpy as np
import torch

import bpe
import gguf
import stories
from gguf import ARRAY, BOOL, FLOAT32, INT32, STRING, UINT32
from model import Llama, Shape
from tokenizer_cases import CASES
from train import BUILD, HELD_OUT_STORIES, TRAINING_STORIES, perplexity

PROJECT = Path(__file__).resolve().parents[2]
MODEL = PROJECT / "Sources/PumiceModels/Resources/demo.gguf"
FIXTURE = PROJECT / "Tests/Fixtures/Tokenizers/demo.json"
NORMAL_TOKEN, CONTROL_TOKEN = 1, 3  # tokenizer.ggml.token_type
MOSTLY_Q8_0 = 7  # general.file_type

# GGUF's tensor names by this model's parameter names; {n} is the layer.
LAYER_NAMES = {
    "attention_norm.weight": "attn_norm.weight",
    "attention.q.weight": "attn_q.weight",
    "attention.k.weight": "attn_k.weight",
    "attention.v.weight": "attn_v.weight",
    "attention.output.weight": "attn_output.weight",
    "feed_forward_norm.weight": "ffn_norm.weight",
    "feed_forward.gate.weight": "ffn_gate.weight",
    "feed_forward.up.weight": "ffn_up.weight",
    "feed_forward.down.weight": "ffn_down.weight",
}


def tensor_names(shape):
    """GGUF name -> parameter name. There is no output.weight: the embedding serves twice."""
    names = {"token_embd.weight": "embedding.weight"}
    for n in range(shape.layers):
        for ours, theirs in LAYER_NAMES.items():
            names[f"blk.{n}.{theirs}"] = f"blocks.{n}.{ours}"
    names["output_norm.weight"] = "output_norm.weight"
    return names


def metadata(shape, tokenizer):
    end = tokenizer.end_of_text
    types = [NORMAL_TOKEN] * end + [CONTROL_TOKEN]
    return [
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, "Pumice demo"),
        ("general.description", STRING, "Tells short children's stories; trained on invented text."),
        ("general.license", STRING, "MIT"),
        ("general.file_type", UINT32, MOSTLY_Q8_0),
        ("general.quantization_version", UINT32, 2),
        ("llama.vocab_size", UINT32, shape.vocabulary),
        ("llama.context_length", UINT32, shape.context),
        ("llama.embedding_length", UINT32, shape.width),
        ("llama.block_count", UINT32, shape.layers),
        ("llama.feed_forward_length", UINT32, shape.feed_forward),
        ("llama.attention.head_count", UINT32, shape.heads),
        ("llama.attention.head_count_kv", UINT32, shape.kv_heads),
        ("llama.attention.layer_norm_rms_epsilon", FLOAT32, shape.norm_epsilon),
        ("llama.rope.dimension_count", UINT32, shape.head_size),
        ("llama.rope.freq_base", FLOAT32, shape.rope_base),
        ("tokenizer.ggml.model", STRING, "gpt2"),
        ("tokenizer.ggml.pre", STRING, "gpt-2"),
        ("tokenizer.ggml.tokens", ARRAY, (STRING, tokenizer.tokens)),
        ("tokenizer.ggml.token_type", ARRAY, (INT32, types)),
        ("tokenizer.ggml.merges", ARRAY, (STRING, [" ".join(pair) for pair in tokenizer.merges])),
        ("tokenizer.ggml.bos_token_id", UINT32, end),
        ("tokenizer.ggml.eos_token_id", UINT32, end),
        ("tokenizer.ggml.add_bos_token", BOOL, True),
    ]


def load(path):
    """The model and tokenizer of a GGUF file, from nothing but the file."""
    file = gguf.Reader(path)
    keys = file.metadata
    shape = Shape(
        vocabulary=keys["llama.vocab_size"],
        context=keys["llama.context_length"],
        width=keys["llama.embedding_length"],
        layers=keys["llama.block_count"],
        heads=keys["llama.attention.head_count"],
        kv_heads=keys["llama.attention.head_count_kv"],
        feed_forward=keys["llama.feed_forward_length"],
        rope_base=keys["llama.rope.freq_base"],
        norm_epsilon=keys["llama.attention.layer_norm_rms_epsilon"],
    )
    tokenizer = bpe.Tokenizer([tuple(pair.split(" ")) for pair in keys["tokenizer.ggml.merges"]])
    if tokenizer.tokens != keys["tokenizer.ggml.tokens"]:
        raise ValueError("the merges do not give the tokens of the file")
    model = Llama(shape)
    weights = {ours: file.tensors[theirs] for theirs, ours in tensor_names(shape).items()}
    model.load_state_dict({name: torch.from_numpy(np.array(w)) for name, w in weights.items()})
    return model.eval(), tokenizer


def read_training():
    """The trained weights and the tokenizer's merges."""
    merges = [tuple(pair) for pair in json.loads((BUILD / "merges.json").read_text())]
    return torch.load(BUILD / "model.pt", weights_only=True), bpe.Tokenizer(merges)


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--model", type=Path, default=MODEL)
    options.add_argument("--fixture", type=Path, default=FIXTURE)
    chosen = options.parse_args()
    torch.set_num_threads(1)

    weights, tokenizer = read_training()
    shape = Shape()
    tensors = {theirs: weights[ours].numpy() for theirs, ours in tensor_names(shape).items()}
    chosen.model.parent.mkdir(parents=True, exist_ok=True)
    gguf.write(chosen.model, metadata(shape, tokenizer), tensors)

    model, tokenizer = load(chosen.model)
    cases = [dict(text=text, tokens=tokenizer.encode(text)) for text in CASES]
    chosen.fixture.parent.mkdir(parents=True, exist_ok=True)
    rows = ",\n".join("  " + json.dumps(case, ensure_ascii=False) for case in cases)
    chosen.fixture.write_text(f"[\n{rows}\n]\n")

    training = stories.training_stories(TRAINING_STORIES)
    held_out = stories.held_out_stories(HELD_OUT_STORIES, training)
    per_token, per_byte = perplexity(model, tokenizer, held_out)
    report = dict(bytes=chosen.model.stat().st_size, perplexity=(per_token, per_byte))
    (BUILD / "export.json").write_text(json.dumps(report))
    print(f"{chosen.model.name}: {report['bytes']} bytes, held-out perplexity {per_token:.4f} "
          f"per token, {per_byte:.4f} per byte")


if __name__ == "__main__":
    main()
