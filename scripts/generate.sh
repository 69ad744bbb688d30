#!/usr/bin/env bash
# Generates src/gen/safeguards from proto/. With --check it changes nothing and fails when what is
# committed differs from what the protos say. Only local plugins: no network.
set -euo pipefail
cd "$(dirname "$0")/.."

fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

# Beside the tree first, so that a proto that does not compile costs nobody the code they had.
npx --no-install buf generate --output "$fresh"

if [[ "${1:-}" == --check ]]; then
  diff -r src/gen/safeguards "$fresh/src/gen/safeguards" ||
    { echo 'src/gen is not what the protos say: run npm run generate' >&2; exit 1; }
else
  mkdir -p src/gen
  rm -rf src/gen/safeguards
  cp -r "$fresh/src/gen/safeguards" src/gen/safeguards
fi
