"""Loads an adapter that Sartor saved in Python PEFT and compares logits.

    sartor forward --model MODEL --adapter ADAPTER --input IN.safetensors --output OUT.safetensors
    python peft_check.py MODEL ADAPTER IN.safetensors OUT.safetensors [TOLERANCE]

IN has input_ids [rows, length] and optionally attention_mask, OUT has logits [rows, length,
vocabulary] in float32. Exits with 1 where a logit of a token that is no padding differs by more than
the tolerance (1e-4). Needs torch, transformers and peft.
"""

import sys

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def main():
    model, adapter, given, made = sys.argv[1:5]
    tolerance = float(sys.argv[5]) if len(sys.argv) > 5 else 1e-4
    inputs = load_file(given)
    base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32, attn_implementation="eager")
    tuned = PeftModel.from_pretrained(base, adapter).eval()
    mask = inputs.get("attention_mask", torch.ones_like(inputs["input_ids"]))
    with torch.no_grad():
        expected = tuned(input_ids=inputs["input_ids"].long(), attention_mask=mask.long()).logits.float()
        with tuned.disable_adapter():
            without = tuned(input_ids=inputs["input_ids"].long(), attention_mask=mask.long()).logits.float()
    actual = load_file(made)["logits"].reshape(expected.shape)
    kept = mask.bool()
    difference = (expected - actual)[kept].abs().max().item()
    effect = (expected - without)[kept].abs().max().item()
    print(f"largest difference {difference:.3g}, the adapter's effect {effect:.3g}, tolerance {tolerance:g}")
    sys.exit(0 if difference <= tolerance else 1)


main()
