#!/usr/bin/env bash
# Prints the folder that holds the official .proto tree: that of the package perfetto_protos, which cargo fetches (its
# lock file has the checksum) and nobody builds.
set -euo pipefail
manifest=$(dirname "$0")/official-protos/Cargo.toml
metadata=$(cargo metadata --locked --quiet --format-version 1 --manifest-path "$manifest")
python3 -c '
import json, os, sys
packages = json.load(sys.stdin)["packages"]
print(next(os.path.dirname(p["manifest_path"]) for p in packages if p["name"] == "perfetto_protos"))
' <<<"$metadata"
