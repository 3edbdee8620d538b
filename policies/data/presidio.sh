#!/bin/sh
# Compares the shipped pii-detector with presidio-analyzer: policies/data/presidio.sh [FILE.jsonl...]
# Installs presidio-analyzer and Faker from PyPI into target/presidio. Without files it judges drawn sentences.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
venv="$root/target/presidio"
if [ ! -x "$venv/bin/python" ]; then
  python3 -m venv "$venv"
fi
"$venv/bin/pip" install --quiet presidio-analyzer==2.2.366 faker==40.63.0
kt=${KT:-"$root/target/release/kt"}
if [ "$#" -eq 0 ]; then
  "$venv/bin/python" "$root/policies/data/sentences.py" 3000 > "$venv/sentences.jsonl"
  set -- "$venv/sentences.jsonl"
fi
exec "$venv/bin/python" "$root/policies/data/presidio.py" "$kt" "$@"
