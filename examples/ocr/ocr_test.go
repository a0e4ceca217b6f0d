package main

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/weightgate/weightgate/examples/fetch/fetchtest"
	"github.com/weightgate/weightgate/examples/internal/ocr"
	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/gpu"
	"github.com/weightgate/weightgate/loader"
	"github.com/weightgate/weightgate/policy"
)

var update = flag.Bool("update", false, "draw page.png anew")

// text is what page.png says.
var text = []string{"Nothing is served", "before it was verified:", "2 models, 1 policy."}

func drawn(t *testing.T, lines ...string) image.Image {
	t.Helper()
	page, err := ocr.Page(lines...)
	require.NoError(t, err)
	return page
}

func encoded(t *testing.T, picture image.Image) []byte {
	t.Helper()
	var file bytes.Buffer
	require.NoError(t, png.Encode(&file, picture))
	return file.Bytes()
}

// here is where the models lie and the runtime is, as the environment has it.
func here(t *testing.T) origin {
	t.Helper()
	return origin{models: fetchtest.Models(t), library: fetchtest.Library(t), device: gpu.CPU}
}

// started is the program's own service over these models, once it no longer loads.
func started(t *testing.T, l limits, from origin) (url string, status int, said health) {
	t.Helper()
	socket, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	ended := make(chan error, 1)
	go func() { ended <- serve(t.Context(), quiet(), socket, l, from) }()
	t.Cleanup(func() { require.NoError(t, <-ended) }) // the test's context has ended by then
	url = "http://" + socket.Addr().String()
	for said.State == "" || said.State == loading {
		time.Sleep(10 * time.Millisecond)
		said = health{}
		status = ask(t, http.MethodGet, url+"/healthz", nil, &said)
	}
	return url, status, said
}

func TestThePageIsRead(t *testing.T) {
	url, status, said := started(t, defaults(), here(t))
	require.Equal(t, http.StatusOK, status, "%+v", said)
	require.Equal(t, health{State: verified}, said)

	page := drawn(t, text...)
	var got struct{ Lines []line }
	require.Equal(t, http.StatusOK, ask(t, http.MethodPost, url+"/v1/ocr", encoded(t, page), &got))
	require.Len(t, got.Lines, len(text))
	pitch := page.Bounds().Dy() / len(text)
	for i, l := range got.Lines {
		require.Equal(t, text[i], l.Text)
		require.Greater(t, l.Confidence, 0.9)
		require.LessOrEqual(t, l.Confidence, 1.0)
		middle := image.Pt(l.Box.X+l.Box.Width/2, l.Box.Y+l.Box.Height/2)
		require.True(t, middle.In(image.Rect(0, i*pitch, page.Bounds().Dx(), (i+1)*pitch)), "%+v", l.Box)
	}

	blank := image.NewGray(image.Rect(0, 0, 1, 1))
	blank.SetGray(0, 0, color.Gray{Y: 255})
	require.Equal(t, http.StatusOK, ask(t, http.MethodPost, url+"/v1/ocr", encoded(t, blank), &got))
	require.Empty(t, got.Lines)
	require.NotNil(t, got.Lines, "a list, not null")
}

func TestThePageHasTooManyLines(t *testing.T) {
	l := defaults()
	l.lines = 2
	url, status, said := started(t, l, here(t))
	require.Equal(t, http.StatusOK, status, "%+v", said)
	var told struct{ Error failure }
	require.Equal(t, http.StatusUnprocessableEntity, ask(t, http.MethodPost, url+"/v1/ocr", encoded(t, drawn(t, text...)), &told))
	require.Equal(t, "too_many_lines", told.Error.Code)
	var got struct{ Lines []line }
	require.Equal(t, http.StatusOK, ask(t, http.MethodPost, url+"/v1/ocr", encoded(t, drawn(t, text[:2]...)), &got))
	require.Len(t, got.Lines, 2)
}

// page.png is what Page draws, and what the program prints of it are its lines.
func TestOnce(t *testing.T) {
	page := drawn(t, text...)
	if *update {
		require.NoError(t, os.WriteFile("page.png", encoded(t, page), 0o644))
	}
	data, err := os.ReadFile("page.png")
	require.NoError(t, err)
	kept, err := png.DecodeConfig(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, page.Bounds().Size(), image.Pt(kept.Width, kept.Height))

	var out bytes.Buffer
	require.NoError(t, printLines(t.Context(), &out, quiet(), "page.png", here(t)))
	for _, l := range text {
		require.Regexp(t, `(?m)^(0\.9\d|1\.00)  `+l+`$`, out.String())
	}
}

func TestTamperedModelsAreNotServed(t *testing.T) {
	swapped := func(keys []byte) []byte { return bytes.Replace(keys, []byte("\na\n"), []byte("\ne\n"), 1) }
	flipped := func(graph []byte) []byte { graph[len(graph)/2] ^= 1; return graph }
	for _, c := range []struct {
		model, file string
		change      func([]byte) []byte
	}{
		{"det", "ppocr-det/det.onnx", flipped},
		{"rec", "ppocr-rec/rec.onnx", flipped},
		{"rec", "ppocr-rec/ppocr_keys_v1.txt", swapped},
	} {
		t.Run(c.file, func(t *testing.T) {
			from := here(t)
			dir := t.TempDir()
			for _, model := range []string{"ppocr-det", "ppocr-rec"} {
				require.NoError(t, os.CopyFS(filepath.Join(dir, model), os.DirFS(filepath.Join(from.models, model))))
			}
			from.models = dir
			name := filepath.Join(dir, filepath.FromSlash(c.file))
			content, err := os.ReadFile(name)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(name, c.change(bytes.Clone(content)), 0o644))

			url, status, said := started(t, defaults(), from)
			require.Equal(t, http.StatusServiceUnavailable, status)
			require.Equal(t, policy.Denied.String(), said.State)
			require.Equal(t, c.model, said.Model)
			require.Len(t, said.Reasons, 1)
			require.Equal(t, policy.CodePinChanged, said.Reasons[0].Code)
			require.Equal(t, filepath.Base(c.file), said.Reasons[0].File)
			require.NotEmpty(t, said.Reasons[0].Advice)
			require.Equal(t, errNotReady.Code, unready(t, url))
		})
	}
}

func TestWhatElseIsNotServed(t *testing.T) {
	unpinned := filepath.Join(t.TempDir(), "libonnxruntime.so.1")
	require.NoError(t, os.WriteFile(unpinned, []byte("\x7fELF"), 0o644))
	for _, c := range []struct {
		name   string
		change func(*origin)
		status string
		code   formats.Code
	}{
		{"a library that is not pinned", func(o *origin) { o.library = unpinned }, policy.Denied.String(), policy.CodeLibraryUnpinned},
		{"models that are not there", func(o *origin) { o.models = t.TempDir() }, policy.Unverifiable.String(), loader.CodeRead},
		{"no device", func(o *origin) { o.device = 0 }, failed, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := here(t)
			c.change(&from)
			url, status, said := started(t, defaults(), from)
			require.Equal(t, http.StatusServiceUnavailable, status)
			require.Equal(t, c.status, said.State, "%+v", said)
			answer, err := http.Get(url + "/healthz")
			require.NoError(t, err)
			defer answer.Body.Close()
			public, err := io.ReadAll(answer.Body)
			require.NoError(t, err)
			require.NotContains(t, string(public), os.TempDir(), "no path")
			require.NotRegexp(t, "[0-9a-f]{64}", string(public), "no digest")
			if c.code == "" {
				require.Empty(t, said.Reasons)
			} else {
				require.Equal(t, c.code, said.Reasons[0].Code)
			}
			require.Equal(t, errNotReady.Code, unready(t, url))
		})
	}
}

// unready is the code of the error that a page gets.
func unready(t *testing.T, url string) string {
	t.Helper()
	var told struct{ Error failure }
	require.Equal(t, http.StatusServiceUnavailable, ask(t, http.MethodPost, url+"/v1/ocr", encoded(t, drawn(t, "a")), &told))
	return told.Error.Code
}

func TestOptions(t *testing.T) {
	var said bytes.Buffer
	o, err := parsed([]string{"-once", "page.png", "-providers", "a.so,b.so"}, &said)
	require.NoError(t, err)
	require.Equal(t, options{listen: "localhost:8080", once: "page.png", from: origin{providers: []string{"a.so", "b.so"}, device: gpu.CPU}}, o)
	require.Empty(t, said.String())
	o, err = parsed([]string{"-device", "cuda"}, &said)
	require.NoError(t, err)
	require.Equal(t, gpu.CUDA(0), o.from.device)

	_, err = parsed([]string{"page.png"}, &said)
	require.ErrorContains(t, err, `"page.png"`)
	require.Contains(t, said.String(), "-once", "the usage")
	_, err = parsed([]string{"-onec", "page.png"}, &said)
	require.ErrorContains(t, err, "-onec")
	_, err = parsed([]string{"-device", "tpu"}, &said)
	require.ErrorContains(t, err, `invalid value "tpu" for flag -device: want cpu or cuda`)
}
