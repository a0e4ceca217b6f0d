module github.com/weightgate/weightgate/examples/quickstart

go 1.26.0

replace (
	github.com/weightgate/weightgate => ../..
	github.com/weightgate/weightgate/examples/internal/ocr => ../internal/ocr
)

require (
	github.com/stretchr/testify v1.12.1
	github.com/weightgate/weightgate v0.0.0
	github.com/weightgate/weightgate/examples/internal/ocr v0.0.0
)

require (
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/yalue/onnxruntime_go v1.27.0 // indirect
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/image v0.47.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
)
