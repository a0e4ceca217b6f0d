module github.com/weightgate/weightgate/examples/embed

go 1.26.0

replace github.com/weightgate/weightgate => ../..

require (
	github.com/gomlx/go-huggingface v0.4.0
	github.com/stretchr/testify v1.12.1
	github.com/weightgate/weightgate v0.0.0
	golang.org/x/sync v0.24.0
	golang.org/x/text v0.43.0
)

require (
	github.com/gofrs/flock v0.13.0 // indirect
	github.com/gomlx/compute v0.0.0-20260716164435-04857206aff7 // indirect
	github.com/google/uuid v1.6.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/pkg/errors v0.9.1 // indirect
	github.com/yalue/onnxruntime_go v1.27.0 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
