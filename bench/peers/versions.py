"""Prints the versions of the peer's libraries as a line of JSON, or fails where one is not there."""
import json
import platform

import peft
import torch
import transformers

print(json.dumps({
    "kind": "versions",
    "python": platform.python_version(),
    "torch": torch.__version__,
    "transformers": transformers.__version__,
    "peft": peft.__version__,
}))
