package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
)

// A failure is what a client is told when it gets no lines. Codes are stable.
type failure struct {
	status  int
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (f *failure) Error() string { return f.Message }

var (
	errNotFound      = &failure{http.StatusNotFound, "not_found", "there are POST /v1/ocr and GET /healthz"}
	errLoading       = &failure{http.StatusServiceUnavailable, "not_ready", "the models are not verified yet: try again, or see /healthz"}
	errNotReady      = &failure{http.StatusServiceUnavailable, "not_ready", "the models are not verified: see /healthz"}
	errBusy          = &failure{http.StatusServiceUnavailable, "busy", "too many requests at once: try again later"}
	errSlow          = &failure{http.StatusRequestTimeout, "request_timeout", "the request did not arrive in time"}
	errCut           = &failure{http.StatusBadRequest, "bad_request", "the request could not be read"}
	errNoImage       = &failure{http.StatusBadRequest, "no_image", "want an image as the body, or as a form's part with the name image"}
	errFormat        = &failure{http.StatusUnsupportedMediaType, "unsupported_image", "neither PNG nor JPEG"}
	errBroken        = &failure{http.StatusBadRequest, "broken_image", "the image is damaged or cut short"}
	errTooManyPixels = &failure{http.StatusRequestEntityTooLarge, "too_many_pixels", "the image has too many pixels"}
	errTooManyScans  = &failure{http.StatusRequestEntityTooLarge, "too_many_scans", "the JPEG has too many scans: store it as a baseline JPEG"}
	errTooManyLines  = &failure{http.StatusUnprocessableEntity, "too_many_lines", "the image has too many lines"}
	errTimeout       = &failure{http.StatusGatewayTimeout, "timeout", "the image was not read in time"}
	errEnding        = &failure{http.StatusServiceUnavailable, "ending", "the service ends"}
	errInternal      = &failure{http.StatusInternalServerError, "internal", "the image could not be read; the service's log has the cause"}
)

func errMethod(want string) *failure {
	return &failure{http.StatusMethodNotAllowed, "method_not_allowed", "want " + want}
}

// failureFor is err as the client may see it: what is not its own doing is
// internal.
func failureFor(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return &failure{http.StatusRequestEntityTooLarge, "body_too_large", fmt.Sprintf("the request has more than %d bytes", tooLarge.Limit)}
	}
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return errSlow
	case errors.Is(err, context.DeadlineExceeded):
		return errTimeout
	case errors.Is(err, context.Canceled):
		return errEnding
	}
	return errInternal
}
