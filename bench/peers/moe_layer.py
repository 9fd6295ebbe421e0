"""Times a layer of experts of Transformers, forward and the gradient of its input, its weights frozen.

Both ways that Transformers computes experts on a CPU run by turns: a loop over them (eager) and
grouped_mm. The last line is JSON: eager_seconds_median, eager_seconds_best, grouped_mm_seconds_median,
grouped_mm_seconds_best. The first run of each is not counted.
"""
import argparse
import json
import statistics
import time

import torch
from transformers import MixtralConfig
from transformers.models.mixtral.modeling_mixtral import MixtralSparseMoeBlock

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--dtype", choices=["float32", "bfloat16"], default="float32")
parser.add_argument("--tokens", type=int, default=2048)
parser.add_argument("--layer", default="8x2x1024x3584", help="experts, top k, hidden, FFN")
parser.add_argument("--runs", type=int, default=3)
parser.add_argument("--threads", type=int, default=2)
arguments = parser.parse_args()

torch.manual_seed(0)
torch.set_num_threads(arguments.threads)
experts, top_k, hidden, ffn = map(int, arguments.layer.split("x"))
dtype = getattr(torch, arguments.dtype)
config = MixtralConfig(hidden_size=hidden, intermediate_size=ffn, num_local_experts=experts, num_experts_per_tok=top_k)
layer = MixtralSparseMoeBlock(config)
for parameter in layer.parameters():
    torch.nn.init.normal_(parameter, std=parameter.shape[-1] ** -0.5)
    parameter.requires_grad_(False)
layer.to(dtype)
values = torch.randn(1, arguments.tokens, hidden).to(dtype)
gradient = torch.randn(1, arguments.tokens, hidden).to(dtype)

seconds = {"eager": [], "grouped_mm": []}
for _ in range(arguments.runs + 1):
    for way, times in seconds.items():
        config._experts_implementation = way
        x = values.clone().requires_grad_(True)
        begun = time.perf_counter()
        layer(x).backward(gradient)
        times.append(time.perf_counter() - begun)

print(json.dumps({
    f"{way}_seconds_{name}": of(times[1:])
    for way, times in seconds.items() for name, of in (("median", statistics.median), ("best", min))}))
