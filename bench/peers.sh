#!/usr/bin/env bash
# Whole training steps: ours beside PyTorch + PEFT in turn, QLoRA beside LoRA, step time against tokens, decoding.
# See bench/README.md.
#
#   bench/peers.sh [CASE...]    all cases where none is named:
#     134m-float32, 134m-bfloat16   Llama shape, LoRA r16 on all linear layers, batch 4 x 256, beside the peer
#     494m-bfloat16                 Qwen2 shape, batch 1 x 512, beside the peer
#     134m-nf4, 494m-nf4            QLoRA on the same shapes, in turn with our bfloat16 LoRA
#     1.1b-nf4                      QLoRA, batch 1 x 512: peak memory
#     tokens                        134M, batch 1: a step's time from 128 tokens to 8192
#     decode                        1.1B: tokens per second of batch-1 decoding, in bfloat16 and NF4
#     moe-float32, moe-bfloat16     a layer of experts, forward and the gradient of its input, beside Transformers'
#
#   SARTOR_PEERS_PYTHON   a Python that has torch, transformers and peft; python3 where not set
#   SARTOR_PEERS_ROUNDS   runs of each side; 3 where not set
#   SARTOR_PEERS_STEPS    timed steps of a run; 5 where not set
#   SARTOR_PEERS_CPUS     cores of both sides, as taskset takes them; 0,1 where not set
#   SARTOR_PEERS_TOKENS   the sequences of case tokens; 128 256 512 1024 2048 4096 8192 where not set
#   SARTOR                the command line to measure; ./sartor where not set
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=${SARTOR_PEERS_PYTHON:-python3}
rounds=${SARTOR_PEERS_ROUNDS:-3}
steps=${SARTOR_PEERS_STEPS:-5}
cpus=${SARTOR_PEERS_CPUS:-0,1}
sartor=${SARTOR:-$root/sartor}
threads=2
models=$root/bench/target/models
results=$root/bench/target/steps.jsonl
log=$root/bench/target/peers.log
all=(134m-float32 134m-bfloat16 134m-nf4 494m-bfloat16 494m-nf4 1.1b-nf4 tokens decode moe-float32 moe-bfloat16)

say() { echo "peers: $*" >&2; }

cases=("$@")
[ $# -gt 0 ] || cases=("${all[@]}")
for case in "${cases[@]}"; do
  [[ " ${all[*]} " == *" $case "* ]] || { say "expected one of ${all[*]}, found '$case'"; exit 2; }
done
export OMP_NUM_THREADS=$threads HF_HUB_OFFLINE=1 HF_HUB_DISABLE_PROGRESS_BARS=1
mkdir -p "$models"
: > "$results"
: > "$log"

record() { echo "$1" >> "$results"; say "$1"; }

# The peer's versions, or why it is not there: a line of JSON, either way.
if versions=$("$python" "$root/bench/peers/versions.py" 2> "$log"); then
  record "$versions"
  peer=yes
else
  why=$(tail -n 1 "$log" | tr -d '"\\\000-\037')
  record "{\"kind\": \"versions\", \"error\": \"$python: $why\"}"
  say "the peer's side needs Python with torch, transformers and peft: ONLY OURS IS MEASURED. Make an environment and name its interpreter:"
  say "  python3 -m venv peers && peers/bin/pip install torch transformers peft"
  say "  SARTOR_PEERS_PYTHON=peers/bin/python bench/peers.sh"
  peer=
fi

model() { # model SHAPE DTYPE: its directory, written where it is not there
  local directory=$models/$1-$2
  if [ ! -f "$directory/config.json" ]; then
    say "writing $1 with random weights in $2"
    rm -rf "$directory.new"
    "$root/bench/run.sh" class step.RandomModel "$1" "$2" "$directory.new" >&2
    mv "$directory.new" "$directory"
  fi
  echo "$directory"
}

pinned() { if command -v taskset > /dev/null; then taskset -c "$cpus" "$@"; else "$@"; fi; }

measure() { # measure FIELDS COMMAND...: runs it, and records the fields with the JSON that it prints last
  local fields=$1 line
  shift
  if line=$(pinned "$@" 2>> "$log" | tail -n 1) && [[ $line == {*} ]]; then
    record "{$fields, ${line#\{}"
  else
    line=$(tail -n 1 "$log" | tr -d '"\\\000-\037')
    record "{$fields, \"error\": \"${line:-nothing was printed}\"}"
  fi
}

ours() { # ours CASE METHOD MODEL BATCH SEQUENCE STEPS DTYPE [SET...]
  local fields="\"kind\": \"step\", \"case\": \"$1\", \"side\": \"ours\", \"method\": \"$2\", \"batch\": $4, \"sequence\": $5, \"dtype\": \"$7\""
  measure "$fields" "$sartor" bench --model "$3" --batch "$4" --sequence "$5" --steps "$6" --json \
    --set dtype="$7" --set r=16 --set lora_alpha=32 --set target_modules=all-linear "${@:8}"
}

theirs() { # theirs CASE MODEL BATCH SEQUENCE DTYPE
  [ -n "$peer" ] || return 0
  local fields="\"kind\": \"step\", \"case\": \"$1\", \"side\": \"theirs\", \"method\": \"lora\", \"batch\": $3, \"sequence\": $4, \"dtype\": \"$5\""
  measure "$fields" "$python" "$root/bench/peers/peft_step.py" --model "$2" --dtype "$5" --batch "$3" \
    --sequence "$4" --steps "$steps" --rank 16 --threads "$threads"
}

in_turn() { # in_turn SHAPE FILE_DTYPE BATCH SEQUENCE DTYPE CASE: ours, with QLoRA where asked for, and theirs
  local at
  at=$(model "$1" "$2")
  for ((round = 1; round <= rounds; round++)); do
    if [[ " ${cases[*]} " == *" $6-$5 "* ]] || [ "$5" = bfloat16 ]; then
      ours "$6" lora "$at" "$3" "$4" "$steps" "$5"
    fi
    if [ "$5" = bfloat16 ] && [[ " ${cases[*]} " == *" $6-nf4 "* ]]; then
      ours "$6" qlora "$at" "$3" "$4" "$steps" "$5" --set quantization=nf4
    fi
    if [[ " ${cases[*]} " == *" $6-$5 "* ]]; then
      theirs "$6" "$at" "$3" "$4" "$5"
    fi
  done
}

wanted() { [[ " ${cases[*]} " == *" $1 "* ]]; }

[ "$sartor" != "$root/sartor" ] || "$sartor" --version > /dev/null # Builds, where that is needed.
if wanted 134m-float32; then in_turn llama-134m float32 4 256 float32 134m; fi
if wanted 134m-bfloat16 || wanted 134m-nf4; then in_turn llama-134m float32 4 256 bfloat16 134m; fi
if wanted 494m-bfloat16 || wanted 494m-nf4; then in_turn qwen2-494m bfloat16 1 512 bfloat16 494m; fi
if wanted 1.1b-nf4; then
  ours 1.1b qlora "$(model llama-1.1b bfloat16)" 1 512 2 bfloat16 --set quantization=nf4
fi
if wanted tokens; then
  at=$(model llama-134m float32)
  for tokens in ${SARTOR_PEERS_TOKENS:-128 256 512 1024 2048 4096 8192}; do
    # About as many tokens a run, two steps at least.
    count=$((2048 / tokens))
    ours tokens lora "$at" 1 "$tokens" $((count < 2 ? 2 : count)) bfloat16
  done
fi
if wanted decode; then
  at=$(model llama-1.1b bfloat16)
  for ((round = 1; round <= rounds; round++)); do
    for weights in bfloat16 nf4; do
      fields="\"kind\": \"decode\", \"case\": \"1.1b\", \"method\": \"$weights\""
      quantized=()
      [ $weights = bfloat16 ] || quantized=(--set quantization=$weights)
      measure "$fields" "$sartor" bench --model "$at" --batch 1 --prompt 32 --generate 128 --json \
        --set dtype=bfloat16 "${quantized[@]}"
    done
  done
fi
for dtype in float32 bfloat16; do
  if wanted "moe-$dtype"; then
    for ((round = 1; round <= rounds; round++)); do
      fields="\"kind\": \"experts\", \"case\": \"moe\", \"dtype\": \"$dtype\""
      measure "$fields, \"side\": \"ours\"" "$root/bench/run.sh" class step.ExpertLayerRun "$dtype" 2048 8x2x1024x3584 "$steps"
      [ -z "$peer" ] || measure "$fields, \"side\": \"theirs\"" \
        "$python" "$root/bench/peers/moe_layer.py" --dtype "$dtype" --tokens 2048 --layer 8x2x1024x3584 --runs "$steps" --threads "$threads"
    done
  fi
done
say "the runs are in $results"
