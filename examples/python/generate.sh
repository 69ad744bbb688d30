#!/usr/bin/env bash
# Generates the Python stubs of the public API:
#   bash examples/python/generate.sh [FOLDER]
# Plain protoc, as grpcio-tools brings it, and one folder of protos. PYTHON names the interpreter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=${1:-generated}
mkdir -p "$out"
out=$(cd "$out" && pwd)

cd ../..
"${PYTHON:-python3}" -m grpc_tools.protoc -I proto \
  --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
  proto/safeguards/v1/*.proto
