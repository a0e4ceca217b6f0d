package zipfile_test

import (
	"context"
	"fmt"
	"os"

	"github.com/weightgate/weightgate/formats"
	"github.com/weightgate/weightgate/formats/zipfile"
)

// Members that are stored lie in the file as they are.
func ExampleRead() {
	in, err := formats.Open(os.DirFS("testdata"), "torch.zip")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer in.Close()
	ctx := context.Background()
	archive, err := zipfile.Read(ctx, in, formats.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := archive.Verify(ctx); err != nil {
		fmt.Println(err)
		return
	}
	if m, ok := archive.Find("archive/data/0"); ok {
		place, stored := archive.Place(m)
		fmt.Println(place.Offset, place.Length, stored)
	}
	// Output: 448 256 true
}
