//go:build !cgo || !linux

package main

import "errors"

func (j job) runtimeByPath() (opener, error) { return nil, errors.ErrUnsupported }
