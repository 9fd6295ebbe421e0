"""Writes engine/src/test/resources/goldens/<family>: tiny models with mixtures of experts as Transformers saves them,
with what it computes of a batch: logits, loss, the load-balancing loss where the family has one, and every parameter's
gradient. Gradients of fused experts' tensors are taken apart, expert by expert, under the names of layouts that keep
experts apart (model.layers.0.mlp.experts.3.gate_proj.weight, [out, in]). Of DeepSeek's models, only a mixture alone is written, beside
them in layers/<family>.

    python moe_golden.py OUTPUT_DIRECTORY [FAMILY ...]
"""
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers.models.deepseek_v2 import modeling_deepseek_v2 as deepseek_v2
from transformers.models.deepseek_v3 import modeling_deepseek_v3 as deepseek_v3

COMMON = dict(vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
              max_position_embeddings=64, bos_token_id=1, eos_token_id=2, pad_token_id=0, tie_word_embeddings=False)
LATENT = dict(COMMON, num_key_value_heads=4, intermediate_size=24, moe_intermediate_size=12, n_routed_experts=8,
              num_experts_per_tok=3, n_shared_experts=2, n_group=4, topk_group=2, first_k_dense_replace=1, kv_lora_rank=20,
              qk_rope_head_dim=8, qk_nope_head_dim=12, v_head_dim=10)
FAMILIES = {
    "qwen2_moe": (transformers.Qwen2MoeConfig, dict(
        COMMON, num_hidden_layers=3, intermediate_size=24, moe_intermediate_size=12, shared_expert_intermediate_size=20,
        num_experts=5, num_experts_per_tok=2, norm_topk_prob=False, decoder_sparse_step=1, mlp_only_layers=[1],
        output_router_logits=True, router_aux_loss_coef=0.05)),
    "glm4_moe": (transformers.Glm4MoeConfig, dict(
        COMMON, head_dim=12, intermediate_size=24, moe_intermediate_size=12, n_routed_experts=8, num_experts_per_tok=3,
        n_shared_experts=1, n_group=4, topk_group=2, routed_scaling_factor=1.7, first_k_dense_replace=1, norm_topk_prob=True,
        use_qk_norm=True, attention_bias=True, rope_parameters=dict(
            rope_type="default", rope_theta=10000.0, partial_rotary_factor=0.5))),
    "gpt_oss": (transformers.GptOssConfig, dict(
        COMMON, head_dim=8, intermediate_size=14, num_local_experts=4, num_experts_per_tok=2, sliding_window=5,
        output_router_logits=True, router_aux_loss_coef=0.05, rope_parameters=dict(
            rope_type="yarn", rope_theta=150000.0, factor=4.0, beta_fast=32.0, beta_slow=1.0, truncate=False,
            original_max_position_embeddings=16))),
}
LAYERS = {
    "deepseek_v2": (transformers.DeepseekV2Config, deepseek_v2.DeepseekV2Moe, dict(
        LATENT, topk_method="group_limited_greedy", routed_scaling_factor=1.3)),
    "deepseek_v3": (transformers.DeepseekV3Config, deepseek_v3.DeepseekV3MoE, dict(LATENT, routed_scaling_factor=1.7)),
}


def fill(model):
    """Values large enough that layers, biases and clamps change what comes after them, and routers are not undecided."""
    with torch.no_grad():
        for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
            if "norm" in name:
                tensor.uniform_(0.6, 1.4)
            elif name.endswith("e_score_correction_bias"):
                tensor.normal_(0, 0.2)
            elif tensor.is_floating_point() and "inv_freq" not in name:
                tensor.normal_(0, 0.6 if ".gate.weight" in name or ".router." in name or "embed" in name else 0.25)


def gradients(model, family):
    parts = apart({name: parameter.grad for name, parameter in model.named_parameters()}, family)
    return {"grad." + name: grad.contiguous().clone() for name, grad in parts.items()}


def apart(tensors, family):
    """With fused experts' tensors taken apart."""
    found = {}
    for name, grad in tensors.items():
        if ".experts." not in name:
            found[name] = grad
            continue
        prefix, fused = name.rsplit(".", 1)
        bias = fused.endswith("_bias")
        layer = fused.removesuffix("_bias")
        if family == "gpt_oss" and not bias:
            grad = grad.transpose(1, 2)
        if layer == "down_proj":
            parts = {"down_proj": grad}
        elif family == "gpt_oss":
            parts = {"gate_proj": grad[:, 0::2], "up_proj": grad[:, 1::2]}
        else:
            parts = dict(zip(("gate_proj", "up_proj"), grad.chunk(2, dim=1)))
        for part, values in parts.items():
            if bias:
                found[f"{prefix}.{part}_bias"] = values
            else:
                found |= {f"{prefix}.{expert}.{part}.weight": values[expert] for expert in range(len(values))}
    return found


def write_layer(family, target):
    """One mixture alone: what it makes of x, and the gradients of sum(y * dy)."""
    torch.manual_seed(13)
    config_class, layer_class, settings = LAYERS[family]
    config = config_class(**settings)
    config._experts_implementation = "eager"
    root = torch.nn.ModuleDict({"mlp": layer_class(config).float().eval()})
    fill(root)
    x, dy = torch.randn(1, 40, config.hidden_size), torch.randn(1, 40, config.hidden_size)
    y = root["mlp"](x)
    (y * dy).sum().backward()
    golden = dict(x=x[0], dy=dy[0], y=y[0].detach(), **gradients(root, family))
    config.save_pretrained(target)
    save_file({name: tensor.contiguous().clone() for name, tensor in apart(root.state_dict(), family).items()},
              target / "model.safetensors")
    save_file({name: tensor.contiguous() for name, tensor in golden.items()}, target / "layer.safetensors")
    print(family, "layer")


def write(family, target):
    torch.manual_seed(11)
    config_class, settings = FAMILIES[family]
    config = config_class(**settings)
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config).float().eval()
    fill(model)
    model.save_pretrained(target)
    ids = torch.randint(3, config.vocab_size, (2, 14))
    mask = torch.ones_like(ids)
    if family != "gpt_oss":  # what its padding sees, beyond the end of a window, differs by layer and concerns nobody
        mask[1, 11:] = 0
    labels = torch.where(mask == 1, ids, -100)
    out = model(input_ids=ids, attention_mask=mask, labels=labels)
    out.loss.backward()
    golden = dict(input_ids=ids, attention_mask=mask, labels=labels, logits=out.logits.detach(), loss=out.loss.detach().reshape(1),
                  **gradients(model, family))
    if getattr(out, "aux_loss", None) is not None:
        golden["aux_loss"] = out.aux_loss.detach().reshape(1)
    save_file({name: tensor.contiguous() for name, tensor in golden.items()}, target / "golden.safetensors")
    print(family, "loss", out.loss.item(), "parameters", sum(p.numel() for p in model.parameters()))


def main():
    output = pathlib.Path(sys.argv[1])
    for family in sys.argv[2:] or FAMILIES:
        target = output / family
        target.mkdir(parents=True, exist_ok=True)
        write(family, target)
        (target / "generation_config.json").unlink(missing_ok=True)
    for family in LAYERS if not sys.argv[2:] else []:
        target = output.parent / "layers" / family
        target.mkdir(parents=True, exist_ok=True)
        write_layer(family, target)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__, "script": "src/test/python/moe_golden.py"}
    (output / "VERSIONS-moe.json").write_text(json.dumps(versions, indent=1) + "\n")


main()
