#!/usr/bin/env bash
# Builds and runs the benchmarks; see bench/README.md.
#
#   bench/run.sh [JMH ARGUMENTS]     such as: bench/run.sh Gemm    or    bench/run.sh -l
#   bench/run.sh step-share [STEPS]  the part of a training step that passes outside native kernels
#
#   OMP_NUM_THREADS   threads of ours and of oneDNN; 2 where not set
#   SARTOR_LIBRARY    a native library to measure instead of the one that was built
set -euo pipefail
# shellcheck source=../sartor
source "$(dirname "${BASH_SOURCE[0]}")/../sartor"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
bench=$root/bench

profiles=()
if [ "$(uname -sm)" = "Linux x86_64" ]; then
  profiles=(-Ponednn)
else
  say "oneDNN's library is there for Linux on x86-64 only: GemmBenchmark.oneDnn will fail here"
fi
find_java
find_tools
mkdir -p "$root/target"
say "building (log: target/bench-build.log)"
maven -q -B -ntp -DskipTests "${profiles[@]}" -pl bench -am package > "$root/target/bench-build.log" 2>&1 < /dev/null || {
  tail -n 40 "$root/target/bench-build.log" >&2
  die "the build failed"
}

java() {
  "$JAVA_HOME/bin/java" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
    -cp "$bench/target/classes:$bench/target/lib/*" "$@"
}

if [ "${1-}" = step-share ]; then
  shift
  java -XX:+UseSerialGC dev.sartor.bench.step.StepShare "$@"
  exit
fi
results=$bench/target/jmh.json
rm -f "$results"
java org.openjdk.jmh.Main -rf json -rff "$results" "$@"
# There is none after -l, -h and their like.
[ ! -f "$results" ] || java dev.sartor.bench.Ratios "$results"
