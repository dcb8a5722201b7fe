# Mark. `make` alone tells what there is.

GO ?= go
NPM ?= npm

# Where the Python runtime and the checkpoint are: shared by `make run` and the
# tests, so that they are made once.
export MARK_SANDBOX_DIR ?= $(CURDIR)/data/sandbox

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# -buildvcs=false: a tree without its history builds too.
BUILD := $(GO) build -trimpath -buildvcs=false
# The nested modules that have tests of their own.
MODULES := sandbox/gvisor/launcher
# Folders with tests in JavaScript.
JS_TESTS := server/interop

.DEFAULT_GOAL := help

.PHONY: help
help: ## Tell what can be made
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

##@ Running

.PHONY: run
run: build ## Build everything that is missing and serve on 127.0.0.1:8080
	@exec bin/mark serve

.PHONY: run-cluster
run-cluster: build ## Serve with three nodes, PostgreSQL and a balancer on this machine, until Ctrl-C
	@$(GO) build -buildvcs=false -o bin/run-cluster ./test/cluster/run
	@exec bin/run-cluster -mark bin/mark -sandbox $(MARK_SANDBOX_DIR)

.PHONY: run-bigquery
run-bigquery: build bin/bigquery-emulator ## Serve beside an emulator of BigQuery with sample tables, until Ctrl-C
	@exec bin/bigquery-emulator -listen 127.0.0.1:9050 -shop -load acme-data.zoo.penguins=datasets/samples/penguins.csv \
	  env MARK_WAREHOUSES=test/bigquery/warehouses.yaml bin/mark serve

.PHONY: build
build: need-go assets ## Build bin/mark and bin/mark-sandbox
	@echo "Building Mark (the first time downloads and compiles its modules: some minutes)"
	@$(BUILD) -ldflags "-s -w -X main.version=$(VERSION)" -o bin/mark ./cmd/mark
	@if [ "$$($(GO) env GOOS)" = linux ]; then $(MAKE) --no-print-directory bin/mark-sandbox; fi

LAUNCHER_SOURCES := $(shell find sandbox/gvisor/launcher -name '*.go' -o -name 'go.*' | sort)
bin/mark-sandbox: $(LAUNCHER_SOURCES)
	@echo "Building the sandbox (gVisor; the first time takes a minute or two)"
	@cd sandbox/gvisor/launcher && CGO_ENABLED=0 $(BUILD) -ldflags "-s -w" -o $(CURDIR)/$@ .
	@touch $@

EMULATOR_SOURCES := $(shell find test/bigquery -name '*.go' -o -name 'go.*' | sort)
bin/bigquery-emulator: $(EMULATOR_SOURCES)
	@echo "Building an emulator of BigQuery (the first time compiles GoogleSQL: ten minutes, 7 GB of build cache)"
	@cd test/bigquery && CGO_ENABLED=0 $(GO) build -buildvcs=false -o $(CURDIR)/$@ .

PLAYGROUND_SOURCES := $(shell find web/playground -path web/playground/node_modules -prune -o -type f -print | sort)
.PHONY: assets
assets: web/dist/.built ## Build the playground's page
web/dist/.built: $(PLAYGROUND_SOURCES)
	@$(MAKE) --no-print-directory need-node
	@echo "Building the playground (npm packages, then Vite)"
	@cd web/playground && $(NPM) ci --no-audit --no-fund --loglevel=error && $(NPM) run --silent build
	@touch $@

.PHONY: need-go
need-go:
	@command -v $(GO) >/dev/null || { echo "Mark is written in Go: install Go 1.26 or later from https://go.dev/dl/ and put it on the PATH."; exit 1; }

.PHONY: need-node
need-node:
	@command -v node >/dev/null && command -v $(NPM) >/dev/null || { echo "The playground is built with Node.js: install Node.js 20 or later from https://nodejs.org/ (npm comes with it)."; exit 1; }
	@node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)' || { echo "Node.js $$(node --version) is too old: 20 or later is needed."; exit 1; }

##@ Testing

.PHONY: test
test: build sandbox js ## Pass all tests (a short form of the long ones)
	$(GO) vet ./...
	MARK_TEST_INTEROP=required $(GO) test -count=1 -timeout 15m ./...
	@for m in $(MODULES); do echo "testing $$m"; (cd $$m && CGO_ENABLED=0 $(GO) vet ./... && CGO_ENABLED=0 $(GO) test -count=1 ./...) || exit 1; done

.PHONY: sandbox
sandbox: build ## Make the Python runtime and the sandbox's checkpoint
	@if [ "$$($(GO) env GOOS)" = linux ]; then bin/mark sandbox build; fi

.PHONY: js
js: need-node $(JS_TESTS:%=%/node_modules/.installed)
%/node_modules/.installed: %/package-lock.json
	@cd $* && $(NPM) ci --no-audit --no-fund --loglevel=error && touch node_modules/.installed

.PHONY: test-race
test-race: build sandbox ## Run the tests under the race detector (needs a C compiler)
	$(GO) test -race -timeout 40m $$($(GO) list ./... | grep -v -e '/ent' -e '/graph')

.PHONY: test-browser
test-browser: build sandbox test/playground/node_modules/.installed ## Drive the playground in a real browser (needs Chromium)
	cd test/playground && MARK_TEST_MARK=$(CURDIR)/bin/mark $(NPM) test

.PHONY: test-bigquery
test-bigquery: build sandbox bin/bigquery-emulator ## Ask an engine that runs BigQuery's SQL, through the driver and the whole service
	bin/bigquery-emulator $(GO) test -count=1 -p 1 -timeout 20m -run OnTheEmulator ./warehouse/bigquery ./cmd/mark

.PHONY: teeth
teeth: build sandbox ## Take each defence of the sandbox away: a test must fail (ten minutes)
	MARK_TEST_TEETH=1 $(GO) test -count=1 -timeout 60m -v -run TestEveryDefence ./sandbox/abuse

# FAULTS is a pattern of the faults that are wanted.
FAULTS ?= .
FAULTS_RUN = $(GO) build -buildvcs=false -o bin/faults ./test/faults && exec bin/faults -launcher bin/mark-sandbox -sandbox $(MARK_SANDBOX_DIR)
.PHONY: faults
faults: build sandbox ## Break a cluster in every way that it is to survive, FAULTS of them (ten minutes)
	@$(FAULTS_RUN) -only '$(FAULTS)'

.PHONY: faults-teeth
faults-teeth: build sandbox ## Take each defence of runs away: the faults must do harm (five minutes)
	@$(FAULTS_RUN) -teeth

FUZZTIME ?= 30s
.PHONY: fuzz
fuzz: build sandbox ## Fuzz everything that parses, and sessions with random programs, FUZZTIME each (30s)
	@$(GO) list ./... | while read -r p; do \
	  $(GO) test -list '^Fuzz' $$p | grep '^Fuzz' | while read -r f; do \
	    echo "$$p $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) $$p || exit 1; done || exit 1; done
	MARK_FUZZ_TIME=$(FUZZTIME) $(GO) test -count=1 -v -timeout 0 -run '^TestRandomPrograms$$' ./sandbox/fuzz
	MARK_FUZZ_TIME=$(FUZZTIME) $(GO) test -count=1 -v -timeout 0 -run '^TestTheGuardReadsAsDuckDB$$' ./warehouse/duckdb

.PHONY: bench
bench: build sandbox ## Measure, as ratios in one run
	$(GO) test -run '^$$' -bench . -skip BigQuery -benchtime 1x -timeout 30m ./cmd/mark
	@$(GO) test -count=1 -v -run TestStatementsDoNotGrowWithTheRows ./resolvers | grep -E '^ +(---|pages)' | sed 's/^ *//'

# The others that it is measured beside are installed into data/bench, once. BENCH is
# a part of the whole: Sandbox/starts, keeping, work, others, attacks.
BENCH ?= Sandbox
.PHONY: bench-sandbox
bench-sandbox: build sandbox ## Measure the sandbox beside native Python and others (half an hour)
	MARK_BENCH_DIR=$(CURDIR)/data/bench $(GO) test -run '^$$' -bench '$(BENCH)' -benchtime 1x -timeout 90m ./sandbox/bench

.PHONY: bench-runs
bench-runs: need-go need-node build sandbox ## Measure runs, and the delivery of their events beside others (twelve minutes)
	MARK_BENCH_DIR=$(CURDIR)/data/bench $(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./test/bench
	$(GO) test -run '^$$' -bench Runs -benchtime 1x -timeout 30m ./cmd/mark
	$(GO) test -run '^$$' -bench Takeover -benchtime 1x -timeout 30m ./test/cluster
	$(GO) test -run '^$$' -bench 'Durable/.*/writers=256/batch=10' -benchtime 100000x -timeout 30m ./eventlog

.PHONY: bench-agent
bench-agent: build sandbox ## Measure what the agent adds to the model and Python (two minutes)
	$(GO) test -run '^$$' -bench Agent -benchtime 1x -timeout 10m ./cmd/mark

.PHONY: bench-bigquery
bench-bigquery: build sandbox ## Measure results of BigQuery to pandas, beside its own client (three minutes)
	MARK_BENCH_DIR=$(CURDIR)/data/bench $(GO) test -run '^$$' -bench '^BenchmarkBigQuery$$' -benchtime 1x -timeout 20m ./cmd/mark

# MODEL_URL is an OpenAI-compatible endpoint, up to and with /v1; without it the offline
# analyst is asked. MODEL is the model's name there, MODEL_CONTEXT its tokens.
MODEL_URL ?= offline
MODEL ?=
MODEL_CONTEXT ?=
.PHONY: twenty-questions
twenty-questions: build sandbox ## Ask MODEL at MODEL_URL twenty questions whose answers are known
	@cd cmd/mark && MARK_TEST_MODEL_URL='$(MODEL_URL)' MARK_TEST_MODEL='$(MODEL)' MARK_TEST_MODEL_CONTEXT='$(MODEL_CONTEXT)' \
	  $(GO) test -count=1 -timeout 6h -run '^TestTwentyQuestions$$' # there it prints as it goes

##@ Code

# LOCK_FLAGS=--upgrade takes the newest of everything; without it only what has to
# change does.
LOCK_FLAGS ?=
.PHONY: python-lock
python-lock: ## Pin what sandbox/pyruntime/requirements.in asks for (needs uv)
	@command -v uv >/dev/null || { echo "The lock is made with uv: install it as https://docs.astral.sh/uv/ says, or with pip install uv."; exit 1; }
	cd sandbox/pyruntime && uv pip compile --quiet --universal --generate-hashes --python-version 3.14 \
	  --no-emit-index-url --no-header --no-annotate $(LOCK_FLAGS) requirements.in -o requirements.lock
	$(GO) test -count=1 -run TestLockIsPinned ./sandbox/pyruntime

.PHONY: generate
generate: ## Generate ent and the GraphQL executor anew
	$(GO) generate ./ent
	$(GO) tool gqlgen generate

.PHONY: verify
verify: generate ## Fail where generated code is stale or code is not formatted
	@git diff --exit-code --stat -- ent graph || { echo "Generated code was stale: commit what has changed."; exit 1; }
	@test -z "$$(git status --porcelain -- ent graph)" || { git status --short -- ent graph; echo "Generated files are not committed."; exit 1; }
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) mod tidy -diff

.PHONY: lint
lint: ## Run the linters (the first time builds them: some minutes)
	$(GO) tool -modfile=tools/go.mod golangci-lint run ./...
	@for m in $(MODULES); do echo "linting $$m"; (cd $$m && $(GO) tool -modfile=$(CURDIR)/tools/go.mod golangci-lint run ./...) || exit 1; done

.PHONY: clean
clean: ## Remove what was built; the data folder stays
	rm -rf bin web/dist/playground web/dist/.built
