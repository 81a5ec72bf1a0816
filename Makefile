# Thin names for the commands that .ci/run uses too. Nothing here is needed to build: go build ./... does.

GO       ?= go
FUZZTIME ?= 10s
SYSTEMS  := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64

.PHONY: help build man test vet cross lint fuzz bench bench-proxy e2e test-systemd fresh

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1	/p' $(MAKEFILE_LIST)

build: ## bin/goready and bin/goreadyd, as they are shipped
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/ ./cmd/...

man: ## man pages, in man/
	$(GO) run ./cmd/goready man man

test: ## all tests that this machine can run
	$(GO) test ./...

vet: ## vet, tests that need more than Go included
	$(GO) vet ./...
	$(GO) vet -tags 'systemd e2e' ./...

cross: ## build and vet for every supported system
	@set -e; for s in $(SYSTEMS); do echo "$$s"; \
		GOOS=$${s%/*} GOARCH=$${s#*/} CGO_ENABLED=0 $(GO) build ./... ; \
		GOOS=$${s%/*} GOARCH=$${s#*/} CGO_ENABLED=0 $(GO) vet ./... ; done

lint: cross ## gofmt, vet, and golangci-lint or staticcheck
	@test -z "$$(gofmt -l .)" || { gofmt -l . ; echo 'not formatted' ; exit 1 ; }
	@if command -v golangci-lint >/dev/null; then golangci-lint run ./...; else staticcheck ./...; fi

fuzz: ## every fuzz target for FUZZTIME
	@set -e; for dir in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n1 dirname | sort -u); do \
		for f in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$dir/*_test.go); do \
			echo "$$dir $$f"; $(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$dir; done; done

bench: ## the ratio to go env, and the size of the binary
	$(GO) test -run '^$$' -bench . -benchtime 40x ./bench/

bench-proxy: ## goreadyd against nginx (apt-get install nginx-light), some six minutes
	$(GO) run ./bench/proxytest

test-systemd: ## tests in a container with systemd (root)
	$(GO) test -tags systemd -count=1 ./internal/sysenv/... ./internal/systemdtest/...

e2e: ## tests against a real editor
	$(GO) test -tags e2e -count=1 -short -timeout 30m ./e2e/... ./internal/editor/...

fresh: ## the commands of the README on a clone, as a new user
	@set -e; dir=$$(mktemp -d); trap 'chmod -R u+w "$$dir"; rm -rf "$$dir"' EXIT; mkdir "$$dir/home"; \
	git clone -q . "$$dir/goready"; cd "$$dir/goready"; \
	run() { echo "\$$ $$*"; env -i HOME="$$dir/home" PATH="$$PATH" USER="$$(id -un)" SHELL=/bin/sh "$$@"; }; \
	run go run ./cmd/goready doctor; run go test ./...
