#!/usr/bin/env bash
# What the official Perfetto schema costs a user: generating its writers, their length, building them for release.
set -euo pipefail
exec 2>&1 # where bash's `time` writes
cd "$(dirname "$0")/../.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
protos=$(tools/official-protos.sh)
scratch=$target/schema
files=(protos/perfetto/trace/perfetto_trace.proto)

cargo build --quiet --release -p pftrace-codegen
mkdir -p "$scratch/src"
generate() { "$target/release/pftrace-codegen" --quiet -I "$protos" -o "$scratch/src/writers.rs" "${files[@]}"; }
rm -f "$scratch/src/writers.rs"

TIMEFORMAT='%R s, %U s of it user time'
echo -n "generate:      " && time generate
lines=$(grep -cvE '^\s*(//.*)?$' "$scratch/src/writers.rs")
echo "lines, without comments: $lines of $(wc -l <"$scratch/src/writers.rs"), $(grep -c "^ *pub struct .*<'w>" "$scratch/src/writers.rs") messages"

cat >"$scratch/Cargo.toml" <<END
[package]
name = "schema"
version = "0.0.0"
edition = "2024"
[dependencies]
pftrace-wire = { path = "$PWD/crates/wire" }
[workspace]
END
printf '//! The official schema.\n#![allow(deprecated)]\nmod writers;\npub use writers::*;\n' >"$scratch/src/lib.rs"
build() { (cd "$scratch" && cargo build --quiet --release --target-dir "$scratch/target"); }
build
touch "$scratch/src/lib.rs"
TIMEFORMAT='%R s, %U s user and %S s system time'
echo -n "release build:           " && time build
