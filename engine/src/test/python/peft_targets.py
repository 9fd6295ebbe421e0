"""Writes which layers Python PEFT adapts, and how, for a table of configurations.

    python peft_targets.py OUT.json

Needs torch, transformers and peft. The result is committed as
src/test/resources/peft/targets.json, against which TargetRuleTest holds the engine.
"""

import json
import sys
import warnings

import peft
import torch
import transformers
from peft import LoraConfig, get_peft_model

MODELS = {
    "llama": dict(
        model_type="llama", vocab_size=64, hidden_size=16, intermediate_size=24, num_hidden_layers=12,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=32, tie_word_embeddings=False,
        attention_bias=False),
    "qwen2": dict(
        model_type="qwen2", vocab_size=64, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
        num_attention_heads=2, num_key_value_heads=1, max_position_embeddings=32, tie_word_embeddings=True),
    "gpt2": dict(
        model_type="gpt2", vocab_size=64, n_embd=16, n_inner=24, n_layer=3, n_head=2, n_positions=32,
        tie_word_embeddings=True),
}

SEVEN = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]

CASES = [
    ("llama", {}),
    ("qwen2", {}),
    ("gpt2", {}),
    ("llama", {"target_modules": "all-linear"}),
    ("llama", {"target_modules": "ALL-LINEAR"}),
    ("qwen2", {"target_modules": "all-linear"}),
    ("gpt2", {"target_modules": "all-linear"}),
    ("llama", {"target_modules": SEVEN}),
    ("llama", {"target_modules": ["proj"]}),
    ("llama", {"target_modules": ["self_attn.q_proj"]}),
    ("llama", {"target_modules": ["model.layers.1.self_attn.q_proj", "v_proj"], "layers_to_transform": [2]}),
    ("llama", {"target_modules": ["1.self_attn.q_proj"]}),
    ("llama", {"target_modules": ["q_proj", "v_proj"], "layers_to_transform": 1}),
    ("llama", {"target_modules": ["q_proj"], "layers_to_transform": [0, 10, 11], "layers_pattern": "layers"}),
    ("llama", {"target_modules": ["q_proj"], "layers_to_transform": [0], "layers_pattern": ["blocks", "layers"]}),
    ("llama", {"target_modules": ["q_proj"], "layers_to_transform": [0], "layers_pattern": ["blocks"]}),
    ("llama", {"target_modules": ["q_proj"], "layers_to_transform": []}),
    ("llama", {"target_modules": ["q_proj"], "layers_to_transform": [99]}),
    ("llama", {"target_modules": r".*\.(q|v)_proj"}),
    ("llama", {"target_modules": r"q_proj"}),
    ("llama", {"target_modules": r".*q_proj$"}),
    ("llama", {"target_modules": r"model\.layers\.(?P<layer>[0-3])\..*\.down_proj"}),
    ("llama", {"target_modules": r".*\.1\.mlp\..*_proj"}),
    ("llama", {"target_modules": r".*\.self_attn.*"}),
    ("llama", {"target_modules": ["nothing"]}),
    ("llama", {"target_modules": ["self_attn"]}),
    ("llama", {"target_modules": ["norm"]}),
    ("llama", {"target_modules": ["input_layernorm"]}),
    ("llama", {"target_modules": SEVEN, "exclude_modules": ["gate_proj", "model.layers.0.mlp.up_proj"]}),
    ("llama", {"target_modules": "all-linear", "exclude_modules": r".*\.mlp\..*"}),
    ("llama", {"target_modules": "all-linear", "exclude_modules": ["0.self_attn.q_proj"]}),
    ("llama", {"target_modules": ["q_proj"], "exclude_modules": ["q_proj"]}),
    ("llama", {"target_modules": ["q_proj", "lm_head"], "modules_to_save": ["lm_head"]}),
    ("llama", {"target_modules": "all-linear", "modules_to_save": ["embed_tokens", "norm"]}),
    ("llama", {"target_modules": "all-linear", "modules_to_save": ["mlp"]}),
    ("llama", {"target_modules": ["q_proj"], "modules_to_save": ["model.layers.3.mlp"]}),
    ("llama", {"target_modules": ["q_proj", "v_proj"], "rank_pattern": {"q_proj": 2}, "alpha_pattern": {"v_proj": 32}}),
    ("llama", {"target_modules": ["q_proj"], "rank_pattern": {"layers.1.self_attn.q_proj": 3}}),
    ("llama", {"target_modules": ["q_proj"], "rank_pattern": {r"layers\.[0-4]\.self_attn\.q_proj": 3, "q_proj": 5}}),
    ("llama", {"target_modules": ["q_proj"], "rank_pattern": {"proj": 3}}),
    ("llama", {"target_modules": ["q_proj"], "rank_pattern": {".*proj": 3}}),
    ("llama", {"target_modules": ["q_proj"], "rank_pattern": {"q_proj|v_proj": 3}}),
    ("llama", {"target_modules": ["q_proj"], "rank_pattern": {"^model.layers.2.self_attn.q_proj": 3, "self_attn": 4}}),
    ("llama", {"target_modules": ["q_proj", "o_proj"], "use_rslora": True, "rank_pattern": {"o_proj": 9},
               "alpha_pattern": {"o_proj": 6}}),
    ("gpt2", {"target_modules": ["c_proj"]}),
    ("gpt2", {"target_modules": ["attn.c_proj"]}),
    ("gpt2", {"target_modules": ["c_attn", "c_fc"], "layers_to_transform": [1, 2], "layers_pattern": "h"}),
    ("gpt2", {"target_modules": ["c_attn"], "modules_to_save": ["wte", "ln_f"]}),
    ("qwen2", {"target_modules": ["q_proj"], "bias": "lora_only"}),
    ("qwen2", {"target_modules": ["q_proj"], "bias": "all"}),
    ("gpt2", {"target_modules": ["c_attn"], "bias": "all", "use_dora": True}),
    ("gpt2", {"target_modules": ["c_attn"], "bias": "lora_only"}),
]


def build(name):
    settings = dict(MODELS[name])
    config = transformers.AutoConfig.for_model(settings.pop("model_type"), **settings)
    torch.manual_seed(0)
    return transformers.AutoModelForCausalLM.from_config(config)


def outcome(name, settings):
    try:
        config = LoraConfig(task_type="CAUSAL_LM", r=4, lora_alpha=8, **settings)
        model = get_peft_model(build(name), config)
    except ValueError as error:
        return {"error": str(error).split("\n")[0]}
    targets = {}
    for key, module in model.named_modules():
        if isinstance(module, peft.tuners.lora.LoraLayer):
            targets[key.removeprefix("base_model.model.")] = [module.r["default"], module.scaling["default"]]
    state = peft.get_peft_model_state_dict(model)
    shapes = {k: list(v.shape) for k, v in sorted(state.items()) if ".original_module." not in k and ".modules_to_save." not in k}
    found = {"targets": targets}
    if settings.keys() & {"modules_to_save", "bias", "use_dora"}:
        found["tensors"] = shapes
    return found


def main():
    warnings.simplefilter("ignore")
    cases = []
    for name, settings in CASES:
        cases.append({"model": name, "config": settings, **outcome(name, settings)})
    with open(sys.argv[1], "w") as file:
        head = {"peft": peft.__version__, "transformers": transformers.__version__, "models": MODELS}
        file.write("{\n")
        for key, value in head.items():
            file.write(f"{json.dumps(key)}: {json.dumps(value)},\n")
        file.write('"cases": [\n' + ",\n".join(json.dumps(case) for case in cases) + "\n]}\n")
    for case in cases:
        print(case["model"], case["config"], len(case.get("targets", {})), case.get("error", ""))


main()
