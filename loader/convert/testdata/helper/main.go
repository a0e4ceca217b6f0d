// A program that links the sandbox's hook and does nothing else.
package main

import _ "github.com/weightgate/weightgate/loader/convert"

func main() {}
