// Command weightgate pins models and verifies them against a policy.
package main

import (
	"os"

	"github.com/weightgate/weightgate/cmd/internal/cli"
)

func main() { os.Exit(cli.Main(os.Args[1:], os.Stdout, os.Stderr)) }
