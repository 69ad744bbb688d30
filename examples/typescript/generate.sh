#!/usr/bin/env bash
# Generates the TypeScript stubs of the public API into FOLDER/generated:
#   bash examples/typescript/generate.sh [FOLDER]
# buf and protoc-gen-es are those of npm (@bufbuild/buf, @bufbuild/protoc-gen-es).
set -euo pipefail
out=$(mkdir -p "${1:-.}" && cd "${1:-.}" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
PATH="$PWD/node_modules/.bin:$PATH"
buf generate proto --path proto/safeguards/v1 \
  --template examples/typescript/buf.gen.yaml --output "$out"
