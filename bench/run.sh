#!/usr/bin/env bash
# Builds and runs the benchmarks; see bench/README.md.
#
#   bench/run.sh [JMH ARGUMENTS]     such as: bench/run.sh Gemm    or    bench/run.sh -l
#   bench/run.sh step-share [STEPS]  the part of a training step that passes outside native kernels
#   bench/run.sh class NAME [ARGUMENTS...]  a main class of this module, which bench's other scripts need
#
#   OMP_NUM_THREADS       threads of ours and of oneDNN; 2 where not set
#   SARTOR_LIBRARY        a native library to measure instead of the one that was built
#   SARTOR_BENCH_CLASSES  a class path to run instead of building one
set -euo pipefail
# shellcheck source=../sartor
source "$(dirname "${BASH_SOURCE[0]}")/../sartor"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-2}
bench=$root/bench
roofs=$bench/target/libroofs.so

if [ -z "${SARTOR_BENCH_CLASSES-}" ]; then
  profiles=()
  if [ "$(uname -sm)" = "Linux x86_64" ]; then
    profiles=(-Ponednn)
  else
    say "oneDNN's library is there for Linux on x86-64 only: GemmBenchmark measures ours alone"
  fi
  find_java
  find_tools
  mkdir -p "$root/target"
  say "building (log: target/bench-build.log)"
  maven -q -B -ntp -DskipTests "${profiles[@]}" -pl bench -am package > "$root/target/bench-build.log" 2>&1 < /dev/null || {
    tail -n 40 "$root/target/bench-build.log" >&2
    die "the build failed"
  }
  SARTOR_BENCH_CLASSES=$bench/target/classes:$bench/target/lib/*
fi
find_java
mkdir -p "$bench/target"
if [ ! -f "$roofs" ] || [ "$bench/src/main/native/roofs.cpp" -nt "$roofs" ]; then
  # For this very processor: the roof is what it can do, not what a binary for many may use.
  "${CXX:-c++}" -O3 -march=native -std=c++20 -ffp-contract=fast -Wall -Wextra -fPIC -shared -pthread \
    -o "$roofs.new" "$bench/src/main/native/roofs.cpp"
  mv "$roofs.new" "$roofs"
fi

java() {
  "$JAVA_HOME/bin/java" --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
    -Dsartor.bench.roofs="$roofs" -Dsartor.bench.work="$bench/target/work.jsonl" -cp "$SARTOR_BENCH_CLASSES" "$@"
}

case ${1-} in
  step-share)
    shift
    java -XX:+UseSerialGC dev.sartor.bench.step.StepShare "$@"
    exit
    ;;
  class)
    name=$2
    shift 2
    java -XX:+UseSerialGC "dev.sartor.bench.$name" "$@"
    exit
    ;;
esac
results=$bench/target/jmh.json
rm -f "$results" "$bench/target/work.jsonl"
java org.openjdk.jmh.Main -rf json -rff "$results" "$@"
# There is none after -l, -h and their like.
[ ! -f "$results" ] || java dev.sartor.bench.report.Report --kernels "$bench/target"
