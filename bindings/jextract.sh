#!/usr/bin/env bash
# Regenerates the Java bindings from the headers in native/include.
#
#   bindings/jextract.sh           rewrites src/generated/java and the include list
#   bindings/jextract.sh --check   writes nothing; fails where what is committed differs
#
# The include list names every function, struct and constant of our own headers and nothing
# that they include; it is committed so that a change of the interface shows in review. Its
# first line holds a hash of the headers, by which a test of this module notices drift where
# there is no jextract.
# Needs `jextract` on the PATH: https://jdk.java.net/jextract/ (built on libclang 13 to 15).
set -euo pipefail
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
headers=$here/../native/include
package=dev.sartor.bindings.cpu
list=$here/src/generated/cpu.includes
java=$here/src/generated/java

if ! command -v jextract > /dev/null; then
  echo "bindings/jextract.sh: no jextract on the PATH. Get one from https://jdk.java.net/jextract/," >&2
  echo "unpack it, and add its bin folder to the PATH." >&2
  exit 1
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

bare_headers() {
  cat ./*.h | tr '\n' ' ' | sed -E 's#/\*([^*]|\*+[^*/])*\*+/##g' | tr -d '[:space:]'
}

# jextract runs inside the headers' folder, so that nothing it writes names this machine.
# sartor_engine is opaque: there is no layout to generate.
generate() { # generate OUTPUT_FOLDER
  mkdir -p "$1/java"
  cd "$headers"
  jextract --dump-includes "$work/all" sartor.h 2> /dev/null || jextract --dump-includes "$work/all" sartor.h
  {
    echo "# headers without comments and blanks: sha256 $(bare_headers | sha256sum | cut -d ' ' -f 1)"
    sed -nE 's|^(--include-[a-z]+ +sartor_?[a-z0-9_]*) +# header: .*|\1|Ip' "$work/all" |
      grep -v ' sartor_engine$' | sort
  } > "$1/cpu.includes"
  jextract "@$1/cpu.includes" --target-package "$package" --output "$1/java" sartor.h
}
generate "$work/new"

if [ "${1-}" = --check ]; then
  mkdir -p "$work/old"
  cp -r "$list" "$java" "$work/old" 2> /dev/null || true
  if ! diff -r "$work/old" "$work/new" > "$work/diff"; then
    echo "bindings/jextract.sh: the committed bindings differ from native/include/*.h:" >&2
    head -n 40 "$work/diff" >&2
    echo "Run bindings/jextract.sh and commit what it writes." >&2
    exit 1
  fi
  echo "The bindings agree with native/include/*.h."
else
  rm -rf "$java" "$list"
  mkdir -p "$(dirname "$java")"
  cp -r "$work/new/java" "$java"
  cp "$work/new/cpu.includes" "$list"
  echo "Wrote $(find "$java" -name '*.java' | wc -l) files for $(wc -l < "$list") names."
fi
