#!/usr/bin/env bash
# Measures everything and writes bench/RESULTS.md, with its plots in bench/plots. Nothing else should run.
#
#   bench/report.sh           about 25 minutes on two cores
#   bench/report.sh --quick   under five: bfloat16 alone, short runs, the 134M shape
#
# The variables at the head of bench/run.sh and bench/peers.sh hold here as well; SARTOR_PEERS_PYTHON
# names the peer's Python, without which the report says that the peer is not there.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bench=$root/bench

experts=(-p tokens=2048 -p experts=8x2x1024x3584) # of the mixtures' benchmarks; README.md names their other sizes
case ${1-} in
  "") jmh=(-wi 1 -w 500ms -i 5 -r 300ms "${experts[@]}" -p skew=UNIFORM,ZIPF '\.(op|ffm)\.')
    cases=() ;;
  --quick) jmh=(-wi 1 -w 150ms -i 3 -r 150ms -p dtype=BFLOAT16 -p weight=NF4 "${experts[@]}" -p skew=UNIFORM '\.(op|ffm)\.')
    cases=(134m-bfloat16 134m-nf4 tokens)
    export SARTOR_PEERS_ROUNDS=1 SARTOR_PEERS_STEPS=2 SARTOR_PEERS_TOKENS="128 256 512 1024 2048" ;;
  *) echo "report: expected --quick or nothing, found '$1'" >&2; exit 2 ;;
esac
"$bench/run.sh" "${jmh[@]}"
export SARTOR_BENCH_CLASSES=${SARTOR_BENCH_CLASSES:-$bench/target/classes:$bench/target/lib/*} # built once
"$bench/peers.sh" "${cases[@]}"
commit=$(git -C "$root" rev-parse --short HEAD 2> /dev/null || echo unknown)
[ -z "$(git -C "$root" status --porcelain --untracked-files=no 2> /dev/null)" ] || commit="$commit, with changes"
"$bench/run.sh" class report.Report --commit "$commit" "$bench/target" "$bench"
