package machine_test

import (
	"fmt"

	"github.com/weightgate/weightgate/formats/pickle/machine"
)

// A pickle that would run a program is read, and runs nothing.
func ExampleRun() {
	stream := []byte("cos\nsystem\n(S'id'\ntR.")
	result, err := machine.Run(stream, machine.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, u := range result.Uses {
		fmt.Println(u.Name, u.Offset, u.Call)
	}
	for _, f := range result.Findings {
		fmt.Println(f.Code)
	}
	// Output:
	// os.system 0 false
	// os.system 19 true
	// pickle.global.dangerous
}
