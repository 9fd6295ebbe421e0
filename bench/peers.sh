#!/usr/bin/env bash
# LoRA training beside PyTorch + PEFT: 134M Llama shape, rank 16 on all linear layers, batch 4 x 256,
# two threads. Ours and theirs run in turn; see bench/README.md.
#
#   bench/peers.sh [float32] [bfloat16]    both where none is named
#
#   SARTOR_PEERS_PYTHON   a Python that has torch, transformers and peft; python3 where not set
#   SARTOR_PEERS_ROUNDS   runs of each side; 3 where not set
#   SARTOR_PEERS_STEPS    timed steps of a run; 5 where not set
#   SARTOR_PEERS_CPUS     cores of both sides, as taskset takes them; 0,1 where not set
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${SARTOR_PEERS_PYTHON:-python3}
rounds=${SARTOR_PEERS_ROUNDS:-3}
steps=${SARTOR_PEERS_STEPS:-5}
cpus=${SARTOR_PEERS_CPUS:-0,1}
threads=2
work=$root/bench/target/peers
model=$work/llama-134m
results=$work/runs.jsonl

say() { echo "peers: $*" >&2; }

if ! missing=$("$python" -c 'import torch, transformers, peft' 2>&1); then
  say "the peer's side needs Python with torch, transformers and peft; $python says:"
  echo "$missing" | tail -n 1 >&2
  say "nothing was measured. Make an environment and name its interpreter:"
  say "  python3 -m venv peers && peers/bin/pip install torch transformers peft"
  say "  SARTOR_PEERS_PYTHON=peers/bin/python bench/peers.sh"
  exit 1
fi
dtypes=("$@")
[ $# -gt 0 ] || dtypes=(float32 bfloat16)
for dtype in "${dtypes[@]}"; do
  case $dtype in float32 | bfloat16) ;; *) say "expected float32 or bfloat16, found '$dtype'"; exit 2 ;; esac
done

export OMP_NUM_THREADS=$threads HF_HUB_OFFLINE=1 HF_HUB_DISABLE_PROGRESS_BARS=1
mkdir -p "$work"
if [ ! -f "$model/config.json" ]; then
  say "writing a model with random weights"
  rm -rf "$model.new"
  "$python" "$root/bench/peers/make_model.py" "$model.new" >&2
  mv "$model.new" "$model"
fi
"$root/sartor" --version > /dev/null # Builds, where that is needed.

pinned() { if command -v taskset > /dev/null; then taskset -c "$cpus" "$@"; else "$@"; fi; }
record() { # record SIDE DTYPE JSON
  echo "{\"side\": \"$1\", \"dtype\": \"$2\", ${3#\{}" >> "$results"
  say "$2 $1: $3"
}

: > "$results"
for ((round = 1; round <= rounds; round++)); do
  for dtype in "${dtypes[@]}"; do
    ours=$(pinned "$root/sartor" bench --model "$model" --batch 4 --sequence 256 --steps "$steps" --json \
      --set dtype="$dtype" --set r=16 --set lora_alpha=32 --set target_modules=all-linear | tail -n 1)
    record ours "$dtype" "$ours"
    theirs=$(pinned "$python" "$root/bench/peers/peft_step.py" --model "$model" --dtype "$dtype" --batch 4 \
      --sequence 256 --steps "$steps" --rank 16 --threads "$threads" | tail -n 1)
    record theirs "$dtype" "$theirs"
  done
done
"$python" "$root/bench/peers/compare.py" "$results"
