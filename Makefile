# Everything that is done with this repository. `make help` lists it.

CARGO ?= cargo
NIGHTLY ?= cargo +nightly
TARGET := $(or $(CARGO_TARGET_DIR),target)
DEMO := $(TARGET)/demo
FUZZ_SECONDS ?= 20

.PHONY: help demo demo-codegen test verify lint fmt gen gen-check asan tsan cross msrv loom fuzz-build fuzz-smoke screenshot transcode-newest bench bench-statistics bench-schema bench-record bench-publish bench-lossless bench-plot ci

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/:.*## /\t/' | expand -t 16

include tools/tools.mk

demo: ## several threads take stock of thousands of Rust sources, traced
	$(CARGO) run --release -q -p pftrace-demo -- --out $(DEMO)/sources.pftrace --at-least 200000

demo-codegen: ## the code generator compiles the official .proto tree, traced
	$(CARGO) run --release -q -p traced-generator -- --protos "$$(tools/official-protos.sh)" --out $(DEMO)/codegen.pftrace

test: tools ## all tests, judged by the real trace processor and two reference decoders
	@rm -f $(TOOLS)/skips.log
	$(CARGO) test --workspace
	$(CARGO) test -p pftrace --no-default-features --test no_std
	$(CARGO) test -p pftrace --features off --test off
	$(CARGO) test -p pftrace --no-default-features --features check --test check
	$(CARGO) test -p pftrace --no-default-features --features zstd --test check
	$(MAKE) --no-print-directory gen-check
	@$(SKIPS)

verify: tools ## only the judges: what is written is what the trace processor and the decoders read
	$(CARGO) test -p pftrace --test '*'
	$(CARGO) test -p pftrace-testkit

lint: ## formatting, clippy, documentation, without a warning
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy -p pftrace --no-default-features -- -D warnings
	$(CARGO) clippy -p pftrace --no-default-features --features check -- -D warnings
	$(CARGO) clippy -p pftrace --no-default-features --features zstd -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps -q

fmt: ## format all code
	$(CARGO) fmt --all

PROTO_FILES := $(sort $(wildcard crates/protos/proto/*.proto crates/protos/proto/*/*.proto crates/protos/proto/*/*/*.proto))
PROTOS := $(CARGO) run -q -p pftrace-codegen -- -I crates/protos/proto -o crates/protos/src/generated.rs

gen: ## generate the writers of crates/protos anew
	$(PROTOS) $(PROTO_FILES)

gen-check: ## the committed writers of crates/protos are what the generator makes
	$(PROTOS) --check $(PROTO_FILES)

TRIPLE := x86_64-unknown-linux-gnu

asan: ## the unsafe code, and many threads that record, under AddressSanitizer (nightly)
	RUST_MIN_STACK=67108864 PROPTEST_CASES=200 PFTRACE_STRESS=20 RUSTFLAGS=-Zsanitizer=address $(NIGHTLY) test -p pftrace-wire -p pftrace-ring -p pftrace-stress --tests --target $(TRIPLE)

tsan: ## the ring, and many threads that record, under ThreadSanitizer (nightly, with a standard library built for it)
	rustup component add rust-src --toolchain nightly
	PFTRACE_STRESS=20 RUSTFLAGS=-Zsanitizer=thread $(NIGHTLY) test -Zbuild-std -p pftrace-ring -p pftrace-stress --test stress --test threads --target $(TRIPLE)

OTHERS := aarch64-unknown-linux-gnu aarch64-apple-darwin x86_64-pc-windows-msvc

cross: ## the crates that users link, as other machines and systems compile them
	rustup target add $(OTHERS)
	RUSTFLAGS="-D warnings" $(CARGO) check -q -p pftrace -p pftrace-codegen $(OTHERS:%=--target %) --target-dir $(TARGET)/cross

MSRV := $(shell sed -n 's/^rust-version = "\(.*\)"/\1.0/p' Cargo.toml)

msrv: ## the crates that users link, with the oldest Rust that they are for
	rustup toolchain install $(MSRV) --profile minimal
	RUSTFLAGS="-D warnings" $(CARGO) +$(MSRV) check -q -p pftrace -p pftrace-codegen --features pftrace/check --target-dir $(TARGET)/msrv

loom: ## the ring and the clock in every order that their threads can meet
	RUSTFLAGS="--cfg loom" $(CARGO) test -p pftrace-ring -p pftrace-clock --profile loom --lib --target-dir $(TARGET)/loom

CARGO_FUZZ := $(TOOLS)/cargo-fuzz/bin/cargo-fuzz

$(CARGO_FUZZ):
	@echo "tools: cargo-fuzz 0.13.2, into $(TOOLS)"
	$(CARGO) install -q --locked --debug cargo-fuzz --version 0.13.2 --root $(TOOLS)/cargo-fuzz

FUZZ = cd fuzz && RUSTUP_TOOLCHAIN=nightly $(abspath $(CARGO_FUZZ))
FUZZ_LOGS = $(abspath $(TARGET))/fuzz-logs

# Instead of the official tree, whose writers build for minutes with the fuzzer's instruments; the tests judge them.
fuzz-build fuzz-smoke: export PFTRACE_PROTO_ROOT = $(CURDIR)/codegen/examples/build-script/proto
fuzz-build: $(CARGO_FUZZ) ## all fuzz targets, without running them (nightly)
	$(FUZZ) build

# Two at a time: each has one thread.
fuzz-smoke: tools fuzz-build ## each fuzz target for FUZZ_SECONDS (nightly)
	@rm -rf $(FUZZ_LOGS) && mkdir -p $(FUZZ_LOGS)
	$(FUZZ) list | xargs -P 2 -I {} sh -c 'mkdir -p corpus/{} seeds/{} && \
		RUSTUP_TOOLCHAIN=nightly $(abspath $(CARGO_FUZZ)) run {} corpus/{} seeds/{} -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=4096 -dict=proto.dict >$(FUZZ_LOGS)/{} 2>&1 || \
			{ cat $(FUZZ_LOGS)/{}; echo "the fuzz target {} failed"; exit 255; }'
	@tail -n 1 $(FUZZ_LOGS)/*

SCREENSHOT := node tools/screenshot.mjs --no-sidebar

screenshot: demo tools-ui ## the pictures of README.md and docs/recording.md, from the real Perfetto UI
	$(CARGO) run -q -p pftrace --example recording_threads -- $(DEMO)/threads.pftrace
	$(CARGO) run -q -p pftrace --example recording_tracks -- $(DEMO)/tracks.pftrace
	$(CARGO) run -q -p pftrace --example recording_frames -- $(DEMO)
	$(SCREENSHOT) --size 1400x1230 --out docs/images/demo.png $(DEMO)/sources.pftrace
	$(SCREENSHOT) --size 1400x470 --out docs/images/recording-threads.png $(DEMO)/threads.pftrace
	$(SCREENSHOT) --size 1400x700 --out docs/images/recording-tracks.png $(DEMO)/tracks.pftrace
	$(SCREENSHOT) --size 1400x770 --out docs/images/recording-frames.png $(DEMO)/late-260.pftrace
	$(SCREENSHOT) --size 1400x860 --select parse_impl --zoom 12 --out docs/images/recording-arguments.png $(DEMO)/sources.pftrace

transcode-newest: tools ## the newest official descriptors, through the generated writers and back
	PFTRACE_DESCRIPTOR_SET=$(TOOLS)/schema/perfetto.binpb $(CARGO) test -p pftrace-transcode --test built --target-dir $(TARGET)/transcode-newest

bench: ## the encoder beside others and beside the floor
	cd benches/encode && $(CARGO) test -q && $(CARGO) bench -q --bench encode

bench-statistics: ## the same by criterion: what has changed since the last run, and how sure that is
	cd benches/encode && $(CARGO) bench -q --bench statistics

bench-schema: ## what the official schema costs to generate and to build
	benches/encode/schema.sh

RACE := $(abspath $(TARGET))/race
RACES := $(foreach build,tracy fastant plain stub,--other $(RACE)-$(build)/release/race)

# Stands on standard output, as docs/benchmarks.md has it: make -s bench-record > tables.md
bench-record: race ## recording events, beside others and beside the floor, against the bars (an hour; builds C++)
	$(RACE)/release/race --markdown --bars $(RACES)
	$(RACE)/release/race costs
	$(RACE)-stub/release/race costs hours
	$(RACE)/release/race sites

bench-publish: ## bench-record into docs/benchmarks.md, and its picture for README.md
	$(MAKE) -s bench-record >$(RACE)-tables.md
	benches/record/publish.py $(RACE)-tables.md docs/benchmarks.md
	$(MAKE) -s bench-plot

bench-lossless: race ## whether a minute at 80 % of what a file takes is recorded whole
	$(RACE)/release/race lossless

bench-plot: ## the picture in README.md, from the tables in docs/benchmarks.md
	benches/record/plot.py docs/benchmarks.md docs/images/recording-race.svg

.PHONY: race
race:
	cd benches/record && $(CARGO) build -q --release --target-dir $(RACE)
	cd benches/record && $(CARGO) build -q --release --no-default-features --features tracy --target-dir $(RACE)-tracy
	cd benches/record && $(CARGO) build -q --release --no-default-features --features recorder-fastant --target-dir $(RACE)-fastant
	cd benches/record && CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 $(CARGO) build -q --release --no-default-features --features plain --target-dir $(RACE)-plain
	cd benches/record && RUSTFLAGS="--cfg pftrace_stub_clock" $(CARGO) build -q --release --no-default-features --target-dir $(RACE)-stub

ci: ## what continuous integration runs
	bash .ci/run
