# What does everything on a fresh machine with Go, a C compiler, npm, and Python
# with pip:
#   make demo    admits a real model, runs it, and refuses two changed copies
#   make embed   admits MiniLM as the hub has it, serves it, and asks one question
#   make test    runs the tests

GO ?= go
modules = . examples/quickstart examples/internal/ocr examples/ocr examples/embed cmd/internal/cli/sariftest
# What the demo and the session tests run on, kept by digest in the user's cache.
fetched = env=$$($(GO) run ./examples/fetch -env) && eval "$$env"

.PHONY: demo embed test race cuda-standin soak soak-race fuzz bench bench-gate gpu-check parity interop vet cross nocgo

demo:
	cd examples/quickstart && $(GO) run .

embed:
	cd examples/embed && $(GO) run . -ask "What is verified?"

test:
	$(fetched) && for m in $(modules); do (cd $$m && $(GO) test ./...) || exit 1; done

race:
	$(fetched) && $(GO) test -race ./policy/... ./loader/... ./gpu/...

# CUDA's provider as it is published, over a stand-in for NVIDIA's libraries: it
# needs no device, and fetches 256 MB once.
cuda-standin:
	$(fetched) && WEIGHTGATE_ORT_GPU=$$(dirname "$$($(GO) run ./examples/fetch onnxruntime-gpu-linux-amd64 | sed -n 1p)") \
	  $(GO) test -count=1 ./gpu

# The embedding service under load while its model's files are rewritten.
SOAK ?= 10m
soak:
	$(fetched) && cd examples/embed && \
	  $(GO) test -count=1 -run '^TestSoak' -timeout 60m -v ./soak -soak $(SOAK)

soak-race:
	$(fetched) && cd examples/embed && $(GO) test -count=1 -race -run '^TestSoakService$$' -v ./soak -soak 20s

# What needs no C compiler needs no C compiler.
nocgo:
	CGO_ENABLED=0 $(GO) build ./...
	CGO_ENABLED=0 $(GO) test ./formats/... ./policy/... ./loader/... ./gpu/... ./cmd/...

cross:
	for os in darwin windows; do GOOS=$$os CGO_ENABLED=0 $(GO) build ./formats/... ./policy/... ./loader/... ./gpu/... ./cmd/... || exit 1; done

# FUZZTIME for each target. Minimizing what is new may outlast it, and a worker
# that is busy at its end too, which go test then calls a failure: hence the
# second try. What was found is a seed by then, and fails again.
FUZZTIME ?= 5s
fuzz:
	$(fetched) && for m in . examples/embed; do (cd $$m && \
	  for pkg in $$($(GO) list ./... | grep -v -e /benchmarks -e /cmd/); do \
	    for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	      once="$(GO) test -run ^$$f$$ -fuzz ^$$f$$ -fuzztime $(FUZZTIME) -fuzzminimizetime 10x $$pkg"; $$once || $$once || exit 1; \
	    done; \
	  done) || exit 1; \
	done

# Every way of loading and the peers on the same files, into benchmarks/results
# and the README. Installs the peers into .cache/bench. BENCH=-quick takes less.
bench:
	$(fetched) && python3 benchmarks/run.py $(BENCH)

# A load with pins against the speed of SHA-256 itself, in the same run.
bench-gate:
	$(GO) test -run '^$$' -bench '^BenchmarkRatioGate$$' -benchtime 1x ./benchmarks

# Sessions on a CUDA device against the CPU's; says what is missing where there
# is none.
gpu-check:
	$(GO) run ./benchmarks/gpucheck -commit $$(git describe --always --dirty)

# What real PyTorch saves, converted here and by Hugging Face's own steps.
# PYTHON: interpreters that have torch, safetensors and numpy; none: they are
# installed into .cache/parity.
parity:
	python3 loader/convert/parity/run.py $(PYTHON)

# What OpenSSF's model-signing signs, verified here, and what is signed here,
# verified there. PYTHON: an interpreter that has it; none: it is installed into
# .cache/interop.
interop:
	python3 policy/signature/testdata/run.py $(PYTHON)

vet:
	test -z "$$(gofmt -l .)"
	for m in $(modules); do (cd $$m && $(GO) vet ./...) || exit 1; done
