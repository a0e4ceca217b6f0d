package service

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
)

// A problem is an answer that is an error, in the form of OpenAI's API.
type problem struct {
	status  int
	message string
	kind    string // type
	param   string // none: null
	code    string // none: null

	retryAfter int // seconds; zero: not said
}

// Kinds of problems.
const (
	invalidRequest = "invalid_request_error"
	serverError    = "server_error"
)

func invalid(param, code, format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...), kind: invalidRequest, param: param, code: code}
}

func (p *problem) write(w http.ResponseWriter) {
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	writeJSON(w, p.status, map[string]any{"error": map[string]any{
		"message": p.message, "type": p.kind, "param": orNull(p.param), "code": orNull(p.code),
	}})
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError) // nothing that is written here fails to marshal
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	w.Write(body)
}
