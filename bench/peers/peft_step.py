"""Times LoRA training steps of PyTorch + PEFT on random tokens, as `sartor bench` does with ours.

The last line is JSON: tokens_per_second_median, tokens_per_second_best, peak_resident_bytes, loss.
The first step is not counted. LoRA on all linear layers with alpha = 2 r, AdamW, gradients clipped
to a norm of 1.
"""
import argparse
import json
import resource
import statistics
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", required=True)
parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
parser.add_argument("--batch", type=int, default=4)
parser.add_argument("--sequence", type=int, default=256)
parser.add_argument("--steps", type=int, default=5)
parser.add_argument("--rank", type=int, default=16)
parser.add_argument("--threads", type=int, default=2)
arguments = parser.parse_args()

torch.manual_seed(0)
torch.set_num_threads(arguments.threads)
model = AutoModelForCausalLM.from_pretrained(
    arguments.model, dtype=getattr(torch, arguments.dtype), attn_implementation="sdpa")
model = get_peft_model(model, LoraConfig(
    r=arguments.rank, lora_alpha=2 * arguments.rank, target_modules="all-linear", task_type="CAUSAL_LM"))
model.train()
trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
optimizer = torch.optim.AdamW(trained, lr=2e-5, weight_decay=0.0)

seconds = []
for _ in range(arguments.steps + 1):
    tokens = torch.randint(0, model.config.vocab_size, (arguments.batch, arguments.sequence))
    begun = time.perf_counter()
    loss = model(input_ids=tokens, labels=tokens).loss
    loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    value = loss.item()
    seconds.append(time.perf_counter() - begun)

rates = [arguments.batch * arguments.sequence / each for each in seconds[1:]]
print(json.dumps({
    "tokens_per_second_median": statistics.median(rates),
    "tokens_per_second_best": max(rates),
    "peak_resident_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    "loss": value,
}))
