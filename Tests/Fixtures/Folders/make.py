"""Writes families.json: tiny models of the families of Hugging Face folders, with the logits that transformers gives.

Needs torch and transformers (5.x). The numbers of every tensor follow from its name, so they are not kept: a test makes the
same ones. Run: python3 make.py > families.json
"""

import json
import sys
import warnings

import numpy
import torch
import transformers

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()

VOCABULARY = 48
TOKENS = [(7 * i + 3) % VOCABULARY for i in range(16)]
BASE = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2)


def base(**changes):
    values = {**BASE, **changes}
    return {key: value for key, value in values.items() if value is not None}


def numbers(name, count, around_one):
    """The numbers of a tensor. All are exact in bfloat16."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    x = (numpy.arange(count, dtype=numpy.uint64) * 0x9E3779B9 + seed) % 2**32
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ((x ^ (x >> shift)) * factor) % 2**32
    k = ((x ^ (x >> 16)) >> 25).astype(numpy.float64)
    return 1 + (k - 64) / 128 if around_one else (2 * k - 127) / 512


def published(config):
    """The configuration in the form of transformers 4, which most folders have."""
    config = json.loads(json.dumps(config))
    rope = config.pop("rope_parameters", None)
    if rope is None:
        return None
    if "full_attention" in rope:
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
    config["rope_theta"] = rope.pop("rope_theta", 10000.0)
    share = rope.pop("partial_rotary_factor", None)
    if share is not None:
        key = "rotary_pct" if config["model_type"] == "gpt_neox" else "partial_rotary_factor"
        config[key] = share
    if rope.get("rope_type", "default") != "default":
        config["rope_scaling"] = rope
    if config["model_type"] in ("gemma2", "gemma3_text", "cohere2"):
        config.pop("layer_types")
        config["sliding_window_pattern"] = {"gemma2": 2, "gemma3_text": 6, "cohere2": 4}[config["model_type"]]
    return config


def make(kind, values):
    config = transformers.AutoConfig.for_model(kind, **values)
    config._attn_implementation = "eager"
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(config).double().eval()
    tensors, done = [], {}
    norms = {
        f"{name}.weight" for name, module in model.named_modules() if "Norm" in type(module).__name__
        and getattr(module, "weight", None) is not None and float(module.weight.flatten()[0]) == 1}
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if not tensor.is_floating_point() or tensor.data_ptr() in done:
                continue
            done[tensor.data_ptr()] = name
            values = numbers(name, tensor.numel(), name in norms)
            tensor.copy_(torch.from_numpy(values).reshape(tensor.shape))
            tensors.append([name, list(tensor.shape), int(name in norms)])
        logits = model(torch.tensor([TOKENS])).logits[0]
    assert torch.isfinite(logits).all()
    new = config.to_dict()
    new["dtype"] = "float32"
    noise = (
        "id2label", "label2id", "transformers_version", "architectures", "output_hidden_states", "return_dict",
        "chunk_size_feed_forward", "is_encoder_decoder", "problem_type", "initializer_range", "use_cache", "output_attentions")
    drop = [key for key in new if key.startswith("_") or key in noise]
    for key in drop:
        new.pop(key)
    configs = [new] + ([published(new)] if published(new) else [])
    return dict(
        configs=configs, tensors=tensors,
        logits=[[float(f"{value:.9g}") for value in row] for row in logits[-3:].tolist()])


def longrope(original):
    return dict(
        rope_type="longrope", rope_theta=500.0, short_factor=[1.0, 1.1, 1.3, 1.5], long_factor=[1.5, 2.0, 3.0, 5.0],
        original_max_position_embeddings=original)


LLAMA3 = dict(
    rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
    original_max_position_embeddings=16)
YARN = dict(rope_type="yarn", rope_theta=500.0, factor=4.0, original_max_position_embeddings=16)
FAMILIES = {
    "llama": ("llama", base(attention_bias=True, mlp_bias=True)),
    "llama3": ("llama", base(rope_parameters=LLAMA3, tie_word_embeddings=True)),
    "llama linear": ("llama", base(rope_parameters=dict(rope_type="linear", factor=2.0, rope_theta=500.0))),
    "mistral": ("mistral", base(sliding_window=5, head_dim=16)),
    "qwen2": ("qwen2", base(use_sliding_window=False)),
    "qwen2 yarn": ("qwen2", base(rope_parameters=YARN)),
    "qwen3": ("qwen3", base(head_dim=16, use_sliding_window=False)),
    "gemma": ("gemma", base(head_dim=16)),
    "gemma2": ("gemma2", base(head_dim=16, sliding_window=5, query_pre_attn_scalar=24, num_hidden_layers=3)),
    "gemma3": ("gemma3_text", base(
        head_dim=16, sliding_window=5, query_pre_attn_scalar=24, num_hidden_layers=7,
        rope_parameters=dict(
            full_attention=dict(rope_type="linear", factor=8.0, rope_theta=5000.0),
            sliding_attention=dict(rope_type="default", rope_theta=500.0)))),
    "phi": ("phi", base(partial_rotary_factor=0.5)),
    "phi3": ("phi3", base(sliding_window=5)),
    "phi3 long": ("phi3", base(original_max_position_embeddings=8, sliding_window=None, rope_parameters=longrope(8))),
    "phi3 short": ("phi3", base(original_max_position_embeddings=16, sliding_window=None, rope_parameters=longrope(16))),
    "stablelm": ("stablelm", base(use_qkv_bias=True, partial_rotary_factor=0.25, hidden_size=64, head_dim=None)),
    "stablelm heads": ("stablelm", base(qk_layernorm=True, use_parallel_residual=True, partial_rotary_factor=0.25)),
    "starcoder2": ("starcoder2", base(sliding_window=5)),
    "gpt2": ("gpt2", dict(vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=64)),
    "gpt_bigcode": ("gpt_bigcode", dict(
        vocab_size=VOCABULARY, n_embd=32, n_layer=2, n_head=4, n_positions=64, n_inner=48)),
    "gpt_neox": ("gpt_neox", base(num_key_value_heads=None, rotary_pct=0.5)),
    "gpt_neox sequential": ("gpt_neox", base(num_key_value_heads=None, use_parallel_residual=False)),
    "falcon 7b": ("falcon", base(intermediate_size=None, num_key_value_heads=None, multi_query=True, bias=False)),
    "falcon 40b": ("falcon", base(
        intermediate_size=None, num_key_value_heads=None, new_decoder_architecture=True, num_kv_heads=2, bias=False)),
    "falcon heads": ("falcon", base(intermediate_size=None, num_key_value_heads=None, multi_query=False, bias=True)),
    "bloom": ("bloom", dict(vocab_size=VOCABULARY, hidden_size=32, n_layer=2, n_head=4)),
    "mpt": ("mpt", dict(vocab_size=VOCABULARY, d_model=32, n_layers=2, n_heads=4, max_seq_len=64)),
    "olmo": ("olmo", base(clip_qkv=0.5)),
    "olmo2": ("olmo2", base()),
    "olmo3": ("olmo3", base(sliding_window=5, num_hidden_layers=4)),
    "granite": ("granite", base(
        embedding_multiplier=3.0, residual_multiplier=0.5, attention_multiplier=0.4, logits_scaling=2.0)),
    "cohere": ("cohere", base(logit_scale=0.25, use_qk_norm=True)),
    "cohere2": ("cohere2", base(logit_scale=0.25, sliding_window=5, num_hidden_layers=4)),
    "smollm3": ("smollm3", base(num_hidden_layers=4)),
    "exaone4": ("exaone4", base(num_hidden_layers=4, sliding_window=5, sliding_window_pattern=4)),
    "nemotron": ("nemotron", base(partial_rotary_factor=0.5)),
    "glm": ("glm", base(head_dim=8, attention_bias=True)),
    "glm4": ("glm4", base(head_dim=8, attention_bias=True)),
    "ernie4_5": ("ernie4_5", base(head_dim=8)),
    "seed_oss": ("seed_oss", base(head_dim=8)),
    "arcee": ("arcee", base()),
    "hunyuan": ("hunyuan_v1_dense", base(
        head_dim=8, rope_parameters=dict(rope_type="dynamic", alpha=1000.0, factor=1.0, rope_theta=10000.0))),
}

if __name__ == "__main__":
    wanted = sys.argv[1:] or list(FAMILIES)
    lines = []
    for name in wanted:
        kind, values = FAMILIES[name]
        try:
            lines.append(f"{json.dumps(name)}: {json.dumps(make(kind, values), separators=(',', ':'))}")
        except Exception as error:  # one family less is told, and the others are made
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    print("{\n" + ",\n".join(lines) + "\n}")
