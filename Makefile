# make help tells what there is.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
T ?= 1m
ROOMS ?= ./saml ./oauth
TOOL := go tool -modfile=.ci/tools/go.mod
GO_FILES = $(shell git ls-files -co --exclude-standard '*.go')

.PHONY: help
help: ## this text
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-10s %s\n", $$1, $$2}' Makefile

.PHONY: build
build: ## bin/ssogate
	CGO_ENABLED=0 go build -trimpath -ldflags "-X main.version=$$(git describe --always --dirty 2>/dev/null || echo dev)" -o bin/ ./cmd/ssogate

.PHONY: demo
demo: build ## everything in one process, with identity providers to try (ONCE=1 signs in by itself and ends)
	bin/ssogate demo $(if $(ONCE),--once)

.PHONY: tools
tools: ## install what the tests need (Debian; elsewhere: say what is missing)
	@.ci/install

.PHONY: node
node: ## the npm packages of e2e/node
	@npm ci --prefix e2e/node --silent --no-progress

.PHONY: foreign
foreign: ## the identity providers written in Go by others, into bin/foreign
	@cd e2e/foreign && CGO_ENABLED=0 go build -o ../../bin/foreign/ ./... github.com/dexidp/dex/cmd/dex

.PHONY: lint
lint: ## go mod verify, go mod tidy, gofmt, go vet, staticcheck
	@go mod verify
	@go mod tidy -diff >/dev/null || { echo "go mod tidy would change go.mod or go.sum"; exit 1; }
	@unformatted=$$(gofmt -l $(GO_FILES)); [ -z "$$unformatted" ] || { echo "gofmt: $$unformatted"; exit 1; }
	@go vet ./...
	@go -C e2e/foreign vet ./...
	@go -C .ci/tools vet ./...
	@$(TOOL) staticcheck ./...

.PHONY: test
test: tools lint node foreign ## everything that CI runs
	@go -C .ci/tools test ./...
	@go -C .ci/tools build -o ../../bin/ ./testsummary
	@go test -json -race -shuffle=on -timeout=15m ./... | bin/testsummary

.PHONY: fuzz
fuzz: ## every fuzz target for T, for example: make fuzz T=10m
	@.ci/fuzz $(T)

.PHONY: mutate
mutate: ## remove each refusal of saml and oauth once: the tests must notice (FLAGS="-file subject" ROOMS=./saml: less of it)
	@go -C .ci/tools build -o ../../bin/ ./mutate
	@nice -n 10 bin/mutate -parallel 2 -equivalent .ci/tools/mutate/equivalent.txt $(FLAGS) $(ROOMS)

.PHONY: bench
bench: ## speed as ratios against baselines, into bench/report.json
	@go run ./bench

.PHONY: chaos
chaos: ## break everything under three nodes, into docs/chaos.md (takes a quarter of an hour)
	@go test ./e2e/chaos -run TestChaos -chaos=full -count=1 -timeout=60m -v | grep -v '"level":'

.PHONY: docs
docs: ## the generated page docs/configuration.md
	@go run ./cmd/ssogate config describe --markdown > docs/configuration.md
