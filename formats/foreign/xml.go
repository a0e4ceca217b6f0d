package foreign

import (
	"bytes"
	"encoding/xml"
	"io"
	"slices"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/internal/peek"
)

// Models that are described in XML.
const (
	CodeOpenVINO formats.Code = "foreign.openvino"
	CodePMML     formats.Code = "foreign.pmml"
)

func xmlKinds() []kind {
	return []kind{
		{
			name: "openvino", code: CodeOpenVINO, what: "the graph of an OpenVINO model",
			verdict: unread(useSource), fits: isOpenVINO,
		},
		{
			name: "pmml", code: CodePMML, what: "a PMML model",
			verdict: unread("Export the model to ONNX from the tool that trained it."),
			fits:    func(p *peek.File) bool { return slices.Equal(elements(p, 1), []string{"PMML"}) },
		},
	}
}

// isOpenVINO checks the document's first elements: <net …><layers>.
func isOpenVINO(p *peek.File) bool {
	return slices.Equal(elements(p, 2), []string{"net", "layers"})
}

// elements are the names, without their prefix, of the first n elements of the
// document, each in the one before: fewer if they do not stand within 16 KiB.
func elements(p *peek.File, n int) []string {
	head := bytes.TrimPrefix(p.Head(16<<10), []byte("\xef\xbb\xbf"))
	if !bytes.HasPrefix(bytes.TrimLeft(head, " \t\r\n"), []byte("<")) {
		return nil
	}
	var opened []string
	d := xml.NewDecoder(bytes.NewReader(head))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for len(opened) < n {
		token, err := d.RawToken()
		if err != nil {
			break
		}
		switch token := token.(type) {
		case xml.StartElement:
			opened = append(opened, token.Name.Local)
		case xml.EndElement:
			return opened
		}
	}
	return opened
}
