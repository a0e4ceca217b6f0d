package service

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A problem is an answer that is an error, in the form of OpenAI's API.
type problem struct {
	status  int
	message string
	kind    string // type
	param   string // none: null
	code    string // none: null

	retryAfter time.Duration // rounded up to seconds; zero: not said
}

// Kinds of problems.
const (
	invalidRequest = "invalid_request_error"
	serverError    = "server_error"
)

func invalid(param, code, format string, args ...any) *problem {
	return &problem{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...), kind: invalidRequest, param: param, code: code}
}

func invalidStatus(status int, code, format string, args ...any) *problem {
	p := invalid("", code, format, args...)
	p.status = status
	return p
}

func overloaded(retryAfter time.Duration, message string) *problem {
	return &problem{status: http.StatusServiceUnavailable, message: message, kind: serverError, code: "overloaded", retryAfter: retryAfter}
}

func internal() *problem {
	return &problem{status: http.StatusInternalServerError, message: "The server had an error while processing your request.", kind: serverError}
}

func noModel(name string) *problem {
	return invalidStatus(http.StatusNotFound, "model_not_found", "The model %s does not exist or you do not have access to it.", quote(name))
}

// quote is what a client sent, or the beginning of it, in a message.
func quote(sent string) string {
	const most = 64
	if len(sent) > most {
		sent = strings.ToValidUTF8(sent[:most], "") + "…"
	}
	return strconv.Quote(sent)
}

// shown is the same without the quotes.
func shown(sent string) string {
	quoted := quote(sent)
	return quoted[1 : len(quoted)-1]
}

func (p *problem) write(w http.ResponseWriter) {
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(p.retryAfter.Seconds()))))
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
