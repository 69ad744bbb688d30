#!/usr/bin/env bash
# Generates src/gen/google and src/gen/grpc: the error details every client knows, health and
# reflection. Their protos are not ours to commit, and the packages that carry them weigh 100 MB,
# so they are fetched here, on the rare day they change, and not by everybody who installs.
# With --check it changes nothing and fails when what is committed differs.
set -euo pipefail
cd "$(dirname "$0")/.."

carriers=(google-proto-files@5.0.3 grpc-health-check@2.1.0 @grpc/reflection@1.0.4)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm install --prefix "$work" --no-save --no-package-lock --ignore-scripts --omit=peer --silent "${carriers[@]}"

from="$work/node_modules"
protos="$work/protos"
# Every file lies where its package name says, since that path is what reflection serves.
install -D -t "$protos/google/rpc" "$from"/google-proto-files/google/rpc/{code,status,error_details}.proto
install -D -t "$protos/grpc/health/v1" "$from"/grpc-health-check/proto/health/v1/health.proto
for version in v1 v1alpha; do
  install -D -t "$protos/grpc/reflection/$version" \
    "$from/@grpc/reflection/build/proto/grpc/reflection/$version/reflection.proto"
done

npx --no-install buf generate "$protos" --template buf.gen.yaml --output "$work"

for tree in google grpc; do
  if [[ "${1:-}" == --check ]]; then
    diff -r "src/gen/$tree" "$work/src/gen/$tree" ||
      { echo 'src/gen differs: run npm run generate:third-party' >&2; exit 1; }
  else
    mkdir -p src/gen
    rm -rf "src/gen/${tree:?}"
    cp -r "$work/src/gen/$tree" "src/gen/$tree"
  fi
done
