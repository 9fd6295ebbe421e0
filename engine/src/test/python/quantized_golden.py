"""Writes engine/src/test/resources/quant/*.safetensors: small weights quantized in plain PyTorch after
bitsandbytes' published definition, in the layout of its checkpoints. Where bitsandbytes is installed, what it
makes of the same weights on the CPU is compared first; where it is not, that is said.

    python quantized_golden.py OUTPUT_DIRECTORY
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file

NF4 = [-1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
       -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
       0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0]
FP4 = [v / 12 for v in [0, 0.0625, 8, 12, 4, 6, 2, 3, -0.0, -0.0625, -8, -12, -4, -6, -2, -3]]


def dynamic_map():
    values = []
    for i in range(7):
        edges = torch.linspace(0.1, 1, 2 ** i + 1, dtype=torch.float32)
        means = (edges[:-1] + edges[1:]) / 2
        values += (10 ** (i - 6) * means).tolist() + (-(10 ** (i - 6)) * means).tolist()
    return torch.tensor(sorted(values + [0.0, 1.0]), dtype=torch.float32)


def nearest(x, values):
    """Codes of the nearest of ascending values."""
    return torch.bucketize(x, (values[1:] + values[:-1]) / 2)


def blocks(flat, size):
    padded = torch.nn.functional.pad(flat, (0, -len(flat) % size)).view(-1, size)
    absmax = padded.abs().amax(1)
    scaled = padded * (1 / absmax.clamp(min=1e-38))[:, None]
    return absmax, scaled.reshape(-1)[:len(flat)]


def four_bit(weight, kind, double):
    table = torch.tensor(NF4 if kind == "nf4" else FP4, dtype=torch.float32)
    absmax, scaled = blocks(weight.float().reshape(-1), 64)
    if kind == "nf4":
        codes = nearest(scaled, table)
    else:  # by magnitude, and then the sign, as the CUDA kernel does
        order = torch.argsort(table[:8])
        codes = order[nearest(scaled.abs(), table[:8][order])] + 8 * (scaled < 0)
    codes = codes.to(torch.uint8)
    pairs = torch.nn.functional.pad(codes, (0, len(codes) % 2))
    state = {"quant_type": kind, "blocksize": 64, "dtype": str(weight.dtype).removeprefix("torch."),
             "shape": list(weight.shape)}
    tensors = {"weight": ((pairs[::2] << 4) | pairs[1::2]).unsqueeze(1), "weight.quant_map": table}
    if double:
        offset = absmax.double().mean().float()
        nested, rest = blocks(absmax - offset, 256)
        values = dynamic_map()
        quantized = nearest(rest, values)
        tensors |= {"weight.absmax": quantized.to(torch.uint8), "weight.nested_absmax": nested,
                    "weight.nested_quant_map": values}
        state |= {"nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": offset.item()}
        absmax = values[quantized] * nested.repeat_interleave(256)[:len(absmax)] + offset
    else:
        tensors["weight.absmax"] = absmax
    tensors[f"weight.quant_state.bitsandbytes__{kind}"] = torch.tensor(list(json.dumps(state).encode()), dtype=torch.uint8)
    value = table[codes.long()] * absmax.repeat_interleave(64)[:len(codes)]
    return tensors, value.view(weight.shape)


def int8(weight):
    scale = weight.float().abs().amax(1)
    codes = torch.round(weight.float() * (127 / scale)[:, None]).to(torch.int8)
    return ({"weight": codes, "SCB": scale, "weight_format": torch.tensor(0, dtype=torch.uint8)},
            codes.float() * (scale / 127)[:, None])


def compare(weight, kind, double, tensors):
    try:
        import bitsandbytes.functional as bnb
    except ImportError:
        print(f"NOT COMPARED with bitsandbytes, which is not installed: {kind} double={double}", file=sys.stderr)
        return
    codes, state = bnb.quantize_4bit(weight, compress_statistics=double, quant_type=kind)
    assert torch.equal(codes, tensors["weight"]), "codes differ from bitsandbytes'"
    theirs = {"weight." + key: value for key, value in state.as_dict(packed=True).items()}
    assert set(theirs) == set(tensors) - {"weight"}, (set(theirs), set(tensors))
    for key, value in theirs.items():
        if "quant_state" in key:
            mine = json.loads(bytes(tensors[key].tolist()))
            for field, content in json.loads(bytes(value.tolist())).items():
                close = field == "nested_offset" and abs(mine[field] - content) < 1e-7
                assert close or mine[field] == content, (field, mine[field], content)
        else:
            assert torch.allclose(value.float(), tensors[key].float(), atol=1e-7), key


def main(folder):
    torch.manual_seed(1)
    weight = torch.randn(21, 52) * 0.02
    weight.view(-1)[128:192] = 0
    weight[3, 7] = 0.3
    for dtype, kind, double in ((torch.bfloat16, "nf4", True), (torch.float32, "fp4", False), (torch.float32, "int8", False)):
        source = weight.to(dtype)
        tensors, value = int8(source) if kind == "int8" else four_bit(source, kind, double)
        if kind != "int8":
            compare(source, kind, double, tensors)
        named = {"layer." + key: tensor.contiguous() for key, tensor in tensors.items()}
        save_file(named | {"source": source.contiguous(), "value": value.contiguous()}, folder / f"{kind}.safetensors", {"format": "pt"})


main(pathlib.Path(sys.argv[1]))
