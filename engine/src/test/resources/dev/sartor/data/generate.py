"""Writes trl.json beside itself: ids and labels that TRL's SFTTrainer makes of the rows below, and its packing.

Run with a Python that has trl: python generate.py TOKENIZERS
where TOKENIZERS/marked and TOKENIZERS/unmarked are what TinyTokenizers.byteLevel writes.
"""

import json
import pathlib
import sys
import tempfile

from datasets import Dataset
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import SFTConfig, SFTTrainer, pack_dataset

CHAT = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hello é"}, {"role": "assistant", "content": "hell 🦙"},
        {"role": "user", "content": "more"}, {"role": "assistant", "content": "no"}]
CASES = [
    ("text", "unmarked", {}, [{"text": "hello world"}, {"text": "ends<|im_end|>"}]),
    ("pair", "unmarked", {}, [{"prompt": "Q: hello A:", "completion": " hell"}, {"prompt": "", "completion": "x"}]),
    ("pair, all learned", "unmarked", {"completion_only_loss": False}, [{"prompt": "Q: hello A:", "completion": " hell"}]),
    ("pair of messages", "unmarked", {}, [{"prompt": CHAT[:4], "completion": CHAT[4:]}]),
    ("messages", "unmarked", {}, [{"messages": CHAT}]),
    ("messages, assistant only", "marked", {"assistant_only_loss": True}, [{"messages": CHAT}]),
    ("pair of messages, assistant only", "marked", {"assistant_only_loss": True}, [{"prompt": CHAT[:4], "completion": CHAT[4:]}]),
    ("cut", "unmarked", {"max_length": 6}, [{"text": "hello world"}, {"text": "é"}]),
    ("cut until nothing is learned", "unmarked", {"max_length": 6}, [{"prompt": "long prompt", "completion": "c"}, {"prompt": "a", "completion": "c"}]),
    ("cut at the start", "unmarked", {"max_length": 6, "truncation_mode": "keep_end"}, [{"text": "hello world"}]),
]

directory = pathlib.Path(sys.argv[1])
model = LlamaForCausalLM(LlamaConfig(vocab_size=262, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1))
cases = []
for name, which, options, rows in CASES:
    tokenizer = PreTrainedTokenizerFast.from_pretrained(directory / which)
    options = {"max_length": None, **options}
    with tempfile.TemporaryDirectory() as out:
        config = SFTConfig(output_dir=out, report_to=[], use_cpu=True, bf16=False, **options)
        trainer = SFTTrainer(model=model, args=config, train_dataset=Dataset.from_list(rows), processing_class=tokenizer)
        made = [{"ids": row["input_ids"], "labels": row["labels"]} for row in trainer.train_dataset]
    cases.append({"name": name, "tokenizer": which, "options": options, "rows": rows, "samples": made})

lengths = [5, 2, 3, 1, 8, 8, 4, 4, 6, 2, 2, 7, 1, 3]
rows, at = [], 0
for length in lengths:
    rows.append(list(range(at, at + length)))
    at += length
packed = {}
for strategy in ("bfd", "wrapped"):
    made = pack_dataset(Dataset.from_dict({"input_ids": rows}), seq_length=8, strategy=strategy)
    packed[strategy] = [list(row) for row in made["input_ids"]]
text = json.dumps({"cases": cases, "packing": {"lengths": lengths, "length": 8, **packed}}, ensure_ascii=True)
pathlib.Path(__file__).with_name("trl.json").write_text(text.replace('{"name"', '\n{"name"').replace('"packing"', '\n"packing"') + "\n")
