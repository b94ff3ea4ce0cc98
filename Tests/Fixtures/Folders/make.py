"""Writes families.json: tiny models of the families of Hugging Face folders, with the logits that transformers gives.

Needs torch and transformers (5.x). The numbers of every tensor follow from its name, so they are not kept: a test makes the
same ones. Run: python3 make.py > families.json
"""

import json
import math
import re
import sys
import tempfile
import warnings

import numpy
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers.conversion_mapping import get_checkpoint_conversion_mapping, register_checkpoint_conversion_mapping
from transformers.models.deepseek_v2.modeling_deepseek_v2 import DeepseekV2Moe

warnings.filterwarnings("ignore")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

# What no program computes with.
NOISE = (
    "transformers_version", "architectures", "initializer_range", "use_cache", "output_router_logits",
    "router_aux_loss_coef", "router_jitter_noise", "attention_dropout")
VOCABULARY = 48
TOKENS = [(7 * i + 3) % VOCABULARY for i in range(16)]
BASE = dict(
    vocab_size=VOCABULARY, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=64, pad_token_id=0, bos_token_id=1, eos_token_id=2)


def base(**changes):
    values = {**BASE, **changes}
    return {key: value for key, value in values.items() if value is not None}


def mixed(name, count):
    """32 bits for each element of a tensor."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    x = (numpy.arange(count, dtype=numpy.uint64) * 0x9E3779B9 + seed) % 2**32
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        x = ((x ^ (x >> shift)) * factor) % 2**32
    return x ^ (x >> 16)


def numbers(name, count, around_one):
    """The numbers of a tensor. All are exact in bfloat16."""
    k = (mixed(name, count) >> 25).astype(numpy.float64)
    return 1 + (k - 64) / 128 if around_one else (2 * k - 127) / 512


def codes(name, count):
    """Bytes of MXFP4: codes, or exponents."""
    x = mixed(name, count)
    return 120 + (x >> 30) if name.endswith("_scales") else x >> 24


# What older versions call keys, of some types.
OLDER = {
    "qwen3_moe": {"num_local_experts": "num_experts"},
    "glm4_moe": {"num_local_experts": "n_routed_experts"},
    "mellum": {"num_local_experts": "num_experts"},
    "nomic_bert": {
        "hidden_size": "n_embd", "num_hidden_layers": "n_layer", "num_attention_heads": "n_head",
        "intermediate_size": "n_inner", "max_position_embeddings": "n_positions", "rope_theta": "rotary_emb_base",
        "layer_norm_eps": "layer_norm_epsilon", "hidden_act": "activation_function"},
    "modernbert": {"rope_theta": "global_rope_theta", "rope_local_base_freq": "local_rope_theta"},
}

# The kinds of layers likewise.
LAYERS = {"granitemoehybrid": {"linear_attention": "mamba", "full_attention": "attention"}}


def published(config):
    """The configuration in the form of transformers 4, which most folders have."""
    config = json.loads(json.dumps(config))
    kind = config["model_type"]
    rope = config.pop("rope_parameters", None)
    names = OLDER.get(kind, {})
    if rope is None and not names and "layers_block_type" not in config and kind != "kimi_linear":
        return None
    rope = rope or {}
    if "full_attention" in rope:
        config["rope_local_base_freq"] = rope["sliding_attention"]["rope_theta"]
        rope = rope["full_attention"]
    if rope:
        config["rope_theta"] = rope.pop("rope_theta", 10000.0)
    share = rope.pop("partial_rotary_factor", None)
    if share is not None:
        config["rotary_pct" if kind == "gpt_neox" else "partial_rotary_factor"] = share
    if rope.get("rope_type", "default") != "default":
        config["rope_scaling"] = rope
    if kind in ("gemma2", "gemma3_text", "cohere2"):
        config.pop("layer_types")
        config["sliding_window_pattern"] = {"gemma2": 2, "gemma3_text": 6, "cohere2": 4}[kind]
    if kind == "modernbert":
        config.pop("layer_types")
    if kind == "nomic_bert":
        config["hidden_act"] = "swiglu"
    if "layer_types" in config and kind in LAYERS:
        config["layer_types"] = [LAYERS[kind].get(name, name) for name in config["layer_types"]]
    if "layers_block_type" in config:
        letters = {"linear_attention": "M", "full_attention": "*", "mlp": "-", "moe": "E"}
        kinds = config.pop("layers_block_type")
        config["num_hidden_layers"] = len(kinds)
        config["hybrid_override_pattern"] = "".join(letters[name] for name in kinds)
    if kind == "kimi_linear":
        config = {key: value for key, value in config.items() if key not in (
            "layer_types", "mlp_layer_types", "linear_head_dim", "linear_num_heads", "linear_conv_kernel_dim", "head_dim")}
        config["linear_attn_config"] = dict(
            head_dim=8, num_heads=4, short_conv_kernel_size=4, full_attn_layers=[2], kda_layers=[1])
    return {names.get(key, key): value for key, value in config.items()}


def fill(folder, mxfp4):
    """Puts the numbers of their names into a model's tensors on disk; returns the tensors' names, shapes and kinds."""
    path = f"{folder}/model.safetensors"
    stored = load_file(path)
    if mxfp4:
        for name in [name for name in stored if name.endswith("experts.gate_up_proj") or name.endswith("experts.down_proj")]:
            experts, inputs, outputs = stored.pop(name).shape
            stored[f"{name}_blocks"] = torch.zeros(experts, outputs, inputs // 32, 16, dtype=torch.uint8)
            stored[f"{name}_scales"] = torch.zeros(experts, outputs, inputs // 32, dtype=torch.uint8)
    tensors, values = [], {}
    for name, tensor in stored.items():
        if tensor.dtype == torch.uint8:
            kind = 2
            filled = torch.from_numpy(codes(name, tensor.numel()).astype(numpy.uint8))
        else:
            kind = int((tensor == 1).all())
            filled = torch.from_numpy(numbers(name, tensor.numel(), kind == 1)).float()
        values[name] = filled.reshape(tensor.shape)
        tensors.append([name, list(tensor.shape), kind])
    save_file(values, path, metadata=dict(format="pt"))
    return sorted(tensors)


def together(tensors):
    """Tensors that differ in numbers alone as one, with the numbers that stand for each star."""
    found = {}
    for name, shape, kind in tensors:
        key = re.sub(r"\.\d+(?=\.)", ".*", name), tuple(shape), kind
        found.setdefault(key, []).append([int(number) for number in re.findall(r"\.(\d+)(?=\.)", name)])
    lines = []
    for (name, shape, kind), numbers in found.items():
        each = [sorted(set(column)) for column in zip(*numbers)]
        if len(numbers) == math.prod(len(column) for column in each):
            lines.append([name, list(shape), kind, *each])
        else:
            for row in numbers:
                lines.append([name, list(shape), kind, *([number] for number in row)])
    return lines


class Doubles:
    """While it lasts, what casts to float32 casts to float64: some layers do so on the way."""

    def __enter__(self):
        self.kept = torch.float32, torch.float, torch.Tensor.float
        torch.float32 = torch.float = torch.float64
        torch.Tensor.float = torch.Tensor.double

    def __exit__(self, *_):
        torch.float32, torch.float, torch.Tensor.float = self.kept


def make(kind, values, encodes=False, fused=False, mxfp4=False):
    """
    encodes: whether the model gives vectors of tokens instead of logits.
    fused: whether experts are written as one tensor.
    mxfp4: whether experts are in OpenAI's layout of MXFP4.
    """
    config = transformers.AutoConfig.for_model(kind, **values)
    maker = transformers.AutoModel if encodes else transformers.AutoModelForCausalLM
    with tempfile.TemporaryDirectory() as folder:
        maker.from_config(config).save_pretrained(folder, save_original_format=not fused)
        tensors = fill(folder, mxfp4)
        with open(f"{folder}/config.json") as file:
            new = json.load(file)
        options = dict(dtype=torch.float64)
        if mxfp4:
            # What is decoded is exact in bfloat16.
            options = dict(dtype=torch.bfloat16, quantization_config=transformers.Mxfp4Config(dequantize=True))
            new["quantization_config"] = dict(quant_method="mxfp4")
            with open(f"{folder}/config.json", "w") as file:
                json.dump(new, file)
        model = maker.from_pretrained(
            folder, attn_implementation="eager", experts_implementation="eager", **options).double().eval()
    with torch.no_grad(), Doubles():
        result = model(torch.tensor([TOKENS]))
        logits = (result.last_hidden_state if encodes else result.logits)[0]
    assert torch.isfinite(logits).all()
    for key in NOISE:
        new.pop(key, None)
    older = published(new)
    changes = {}
    if older:
        changes = dict(older=dict(
            without=[key for key in new if key not in older],
            values={key: value for key, value in older.items() if key not in new or new[key] != value}))
    return dict(
        config=new, **changes, tensors=together(tensors),
        logits=[[float(f"{value:.9g}") for value in row] for row in logits[-2:].tolist()])


def longrope(original):
    return dict(
        rope_type="longrope", rope_theta=500.0, short_factor=[1.0, 1.1, 1.3, 1.5], long_factor=[1.5, 2.0, 3.0, 5.0],
        original_max_position_embeddings=original)


LLAMA3 = dict(
    rope_type="llama3", rope_theta=500.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
    original_max_position_embeddings=16)
YARN = dict(rope_type="yarn", rope_theta=500.0, factor=4.0, original_max_position_embeddings=16)
# Few of four small experts; some layers have none.


class DeepSeekConfig(transformers.LlamaConfig):
    """DeepSeek's first mixture, of which transformers has no code: Llama's attention and DeepSeek-V2's experts."""

    model_type = "deepseek"
    attribute_map = {"num_experts": "n_routed_experts"}


class DeepSeekForCausalLM(transformers.LlamaForCausalLM):
    config_class = DeepSeekConfig

    def __init__(self, config):
        super().__init__(config)
        for layer in self.model.layers[config.first_k_dense_replace:]:
            layer.mlp = DeepseekV2Moe(config)


transformers.AutoConfig.register("deepseek", DeepSeekConfig)
transformers.AutoModelForCausalLM.register(DeepSeekConfig, DeepSeekForCausalLM)
register_checkpoint_conversion_mapping("deepseek", get_checkpoint_conversion_mapping("qwen2_moe"))

EXPERTS = dict(num_experts_per_tok=2, moe_intermediate_size=16)
LATENT = dict(
    num_key_value_heads=4, kv_lora_rank=16, qk_rope_head_dim=8, qk_nope_head_dim=8, v_head_dim=8)
STATES = dict(vocab_size=VOCABULARY, hidden_size=32, num_hidden_layers=2, state_size=8)
HEADS_OF_STATES = dict(mamba_n_heads=8, mamba_d_head=8, mamba_d_state=8, mamba_n_groups=2)
NEMOTRON = dict(
    num_hidden_layers=None, head_dim=8, mamba_num_heads=8, mamba_head_dim=8, ssm_state_size=8, n_groups=2,
    use_mamba_kernels=False)
DELTA = dict(
    head_dim=16, linear_num_value_heads=4, linear_num_key_heads=2, linear_key_head_dim=8, linear_value_head_dim=8,
    layer_types=["linear_attention", "full_attention"])
FUSED = dict(fused=True)
MXFP4 = dict(mxfp4=True)
ENCODES = dict(encodes=True)
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
    "mixtral": ("mixtral", base(num_local_experts=4)),
    "mixtral fused": ("mixtral", base(num_local_experts=4, intermediate_size=16), FUSED),
    "qwen2_moe": ("qwen2_moe", base(
        **EXPERTS, num_experts=4, shared_expert_intermediate_size=24, mlp_only_layers=[0])),
    "qwen2_moe weighted": ("qwen2_moe", base(
        **EXPERTS, num_experts=4, shared_expert_intermediate_size=24, norm_topk_prob=True)),
    "qwen3_moe": ("qwen3_moe", base(**EXPERTS, head_dim=8, num_experts=4, norm_topk_prob=True)),
    "qwen3_moe fused": ("qwen3_moe", base(**EXPERTS, head_dim=8, num_experts=4, norm_topk_prob=True), FUSED),
    "olmoe": ("olmoe", base(num_experts=4, num_experts_per_tok=2, intermediate_size=16)),
    "granitemoe": ("granitemoe", base(
        num_local_experts=4, num_experts_per_tok=2, intermediate_size=16, embedding_multiplier=3.0,
        residual_multiplier=0.5, attention_multiplier=0.4, logits_scaling=2.0)),
    "granitemoeshared": ("granitemoeshared", base(
        num_local_experts=4, num_experts_per_tok=2, intermediate_size=16, shared_intermediate_size=24)),
    "gpt_oss": ("gpt_oss", base(
        head_dim=8, num_local_experts=4, num_experts_per_tok=2, intermediate_size=16, sliding_window=5)),
    "gpt_oss mxfp4": ("gpt_oss", base(
        head_dim=8, num_local_experts=4, num_experts_per_tok=2, intermediate_size=32, sliding_window=5), MXFP4),
    "deepseek": ("deepseek", base(
        **EXPERTS, n_routed_experts=4, first_k_dense_replace=1, n_shared_experts=2, topk_method="greedy", n_group=1,
        topk_group=1, routed_scaling_factor=1.0, norm_topk_prob=False, scoring_func="softmax", moe_layer_freq=1)),
    "deepseek_v2": ("deepseek_v2", dict(base(
        **EXPERTS, **LATENT, n_routed_experts=4, first_k_dense_replace=1, n_shared_experts=2), q_lora_rank=None)),
    "deepseek_v2 yarn": ("deepseek_v2", base(
        **EXPERTS, **LATENT, n_routed_experts=4, first_k_dense_replace=1, n_shared_experts=2, q_lora_rank=16,
        routed_scaling_factor=3.0, rope_parameters=dict(YARN, mscale=0.707, mscale_all_dim=0.707))),
    "deepseek_v3": ("deepseek_v3", base(
        **{**EXPERTS, "num_experts_per_tok": 3}, **LATENT, n_routed_experts=8, first_k_dense_replace=1,
        n_shared_experts=1, n_group=4, topk_group=2, q_lora_rank=16,
        rope_parameters=dict(YARN, mscale=1.0, mscale_all_dim=1.0))),
    "glm4_moe": ("glm4_moe", base(
        **EXPERTS, head_dim=8, n_routed_experts=4, first_k_dense_replace=1, n_shared_experts=1, use_qk_norm=True,
        attention_bias=True)),
    "ernie4_5_moe": ("ernie4_5_moe", base(
        moe_num_experts=4, moe_k=2, moe_intermediate_size=16, moe_num_shared_experts=1)),
    "dbrx": ("dbrx", dict(
        vocab_size=VOCABULARY, d_model=32, n_layers=2, n_heads=4, max_seq_len=64,
        attn_config=dict(kv_n_heads=2, clip_qkv=0.5, rope_theta=500.0),
        ffn_config=dict(ffn_hidden_size=16, moe_num_experts=4, moe_top_k=2),
        rope_parameters=dict(rope_type="default", rope_theta=500.0))),
    "hunyuan_v1_moe": ("hunyuan_v1_moe", base(head_dim=8, num_experts=4, moe_topk=2, intermediate_size=16)),
    "llama4": ("llama4_text", base(
        head_dim=8, num_local_experts=4, intermediate_size=16, intermediate_size_mlp=40, num_hidden_layers=4,
        interleave_moe_layer_step=2)),
    "llama4 chunks": ("llama4_text", base(
        head_dim=8, num_local_experts=4, intermediate_size=16, intermediate_size_mlp=40, num_hidden_layers=4,
        interleave_moe_layer_step=2, attention_chunk_size=6, floor_scale=4, use_qk_norm=False,
        rope_parameters=dict(LLAMA3, high_freq_factor=1.0))),
    "dots1": ("dots1", base(
        **EXPERTS, head_dim=8, n_routed_experts=4, n_shared_experts=1, first_k_dense_replace=1, norm_topk_prob=True,
        routed_scaling_factor=2.5, sliding_window=None)),
    "minimax_m2": ("minimax_m2", base(
        head_dim=8, num_local_experts=4, num_experts_per_tok=2, intermediate_size=16,
        rope_parameters=dict(rope_type="default", rope_theta=500.0, partial_rotary_factor=0.5))),
    "exaone_moe": ("exaone_moe", base(
        **EXPERTS, head_dim=8, num_experts=4, num_shared_experts=1, num_hidden_layers=4, sliding_window=5,
        mlp_layer_types=["dense", "sparse", "dense", "sparse"])),
    "afmoe": ("afmoe", base(
        **EXPERTS, head_dim=8, num_experts=4, num_shared_experts=1, num_hidden_layers=4, sliding_window=5,
        mup_enabled=True, route_scale=2.0)),
    "mellum": ("mellum", base(
        **EXPERTS, head_dim=8, num_experts=4, num_hidden_layers=2, sliding_window=5,
        layer_types=["sliding_attention", "full_attention"], mlp_layer_types=["sparse", "sparse"])),
    "ministral3": ("ministral3", base(head_dim=8, rope_parameters=dict(
        YARN, original_max_position_embeddings=8, mscale=1.0, mscale_all_dim=1.0, llama_4_scaling_beta=0.1))),
    "jais2": ("jais2", base(head_dim=8)),
    "mamba": ("mamba", STATES),
    "falcon_mamba": ("falcon_mamba", STATES),
    "mamba2": ("mamba2", dict(STATES, num_heads=8, head_dim=8, n_groups=1)),
    "jamba": ("jamba", base(
        mamba_d_state=8, num_experts=2, intermediate_size=16, num_hidden_layers=4, attn_layer_period=2,
        attn_layer_offset=1, expert_layer_period=2, expert_layer_offset=0, use_mamba_kernels=False)),
    "falcon_h1": ("falcon_h1", base(**HEADS_OF_STATES, head_dim=8, mamba_d_ssm=64)),
    "falcon_h1 multiplied": ("falcon_h1", base(
        **HEADS_OF_STATES, head_dim=8, mamba_d_ssm=64, mamba_rms_norm=True, mamba_norm_before_gate=False,
        attention_in_multiplier=1.25, attention_out_multiplier=0.75, embedding_multiplier=3.0, key_multiplier=1.5,
        lm_head_multiplier=0.5, mlp_multipliers=[1.5, 0.625], ssm_in_multiplier=1.25, ssm_out_multiplier=0.875,
        ssm_multipliers=[1.5, 0.5, 1.25, 0.75, 1.125])),
    "granitemoehybrid": ("granitemoehybrid", base(
        **{**HEADS_OF_STATES, "mamba_n_groups": 1}, num_local_experts=4, num_experts_per_tok=2, intermediate_size=16,
        shared_intermediate_size=24, layer_types=["mamba", "attention"], embedding_multiplier=3.0,
        residual_multiplier=0.5, attention_multiplier=0.4, logits_scaling=2.0)),
    "granitemoehybrid dense": ("granitemoehybrid", base(
        **{**HEADS_OF_STATES, "mamba_n_groups": 1}, num_local_experts=0, num_experts_per_tok=0, shared_intermediate_size=24,
        layer_types=["mamba", "attention"], position_embedding_type="rope")),
    "nemotron_h": ("nemotron_h", base(**NEMOTRON, hybrid_override_pattern="M-*-")),
    "nemotron_h experts": ("nemotron_h", base(
        **NEMOTRON, hybrid_override_pattern="ME*", n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
        moe_shared_expert_intermediate_size=24, routed_scaling_factor=2.5)),
    "nemotron_h fused": ("nemotron_h", base(
        **NEMOTRON, hybrid_override_pattern="ME*", n_routed_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
        moe_shared_expert_intermediate_size=24), FUSED),
    "lfm2": ("lfm2", base(layer_types=["conv", "full_attention"], block_multiple_of=16)),
    "lfm2_moe": ("lfm2_moe", base(
        **EXPERTS, layer_types=["conv", "full_attention"], num_experts=4, num_dense_layers=1)),
    "qwen3_next": ("qwen3_next", base(
        **EXPERTS, **DELTA, num_experts=4, shared_expert_intermediate_size=24, norm_topk_prob=True)),
    "qwen3_5": ("qwen3_5_text", base(**DELTA)),
    "qwen3_5_moe": ("qwen3_5_moe_text", base(**EXPERTS, **DELTA, num_experts=4, shared_expert_intermediate_size=24)),
    "kimi_linear": ("kimi_linear", dict(base(
        **{**EXPERTS, **LATENT}, num_experts=4, num_experts_per_token=2, num_shared_experts=1, first_k_dense_replace=1,
        layer_types=["linear_attention", "full_attention"], model_max_length=64,
        linear_attn_config=dict(
            head_dim=8, num_heads=4, short_conv_kernel_size=4, full_attn_layers=[2], kda_layers=[1])))),
    "minicpm3": ("minicpm3", base(**LATENT, q_lora_rank=16)),
    "phi3 partial": ("phi3", base(
        original_max_position_embeddings=8, sliding_window=None, head_dim=None, partial_rotary_factor=0.5,
        rope_parameters=dict(longrope(8), short_factor=[1.0, 1.1], long_factor=[1.5, 3.0], partial_rotary_factor=0.5))),
    "bert": ("bert", base(num_key_value_heads=None, type_vocab_size=2), ENCODES),
    "roberta": ("roberta", base(num_key_value_heads=None, type_vocab_size=1, pad_token_id=1, bos_token_id=0), ENCODES),
    "xlm-roberta": ("xlm-roberta", base(
        num_key_value_heads=None, type_vocab_size=1, pad_token_id=1, bos_token_id=0), ENCODES),
    "nomic_bert": ("nomic_bert", base(num_key_value_heads=None), ENCODES),
    "modernbert": ("modernbert", base(
        num_key_value_heads=None, num_hidden_layers=4, local_attention=6, global_attn_every_n_layers=3), ENCODES),
    "eurobert": ("eurobert", base(), ENCODES),
}

if __name__ == "__main__":
    wanted = sys.argv[1:] or list(FAMILIES)
    lines = []
    for name in wanted:
        kind, values, *options = FAMILIES[name]
        try:
            lines.append(f"{json.dumps(name)}: {json.dumps(make(kind, values, **dict(*options)), separators=(',', ':'))}")
        except Exception as error:  # one family less is told, and the others are made
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr)
    print("{\n" + ",\n".join(lines) + "\n}")
