//go:build !unix

package cli_test

func addLimited(map[string]func()) {}
