package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/weightgate/weightgate/loader"
)

// ask asks the service at address like any client does, and prints what it says.
func ask(ctx context.Context, address net.Addr, f flags, report *loader.Report) error {
	body, err := json.Marshal(map[string]string{"model": f.encoder.Name, "input": f.ask})
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address.String()+"/v1/embeddings", bytes.NewReader(body))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	start := time.Now()
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	took := time.Since(start)
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("embed: %s: %s", response.Status, answer)
	}
	var said struct {
		Data  []struct{ Embedding []float32 }
		Usage struct {
			Tokens int `json:"prompt_tokens"`
		}
	}
	if err := json.Unmarshal(answer, &said); err != nil {
		return err
	}
	if len(said.Data) != 1 || len(said.Data[0].Embedding) < 4 {
		return fmt.Errorf("embed: an answer without an embedding: %s", answer)
	}
	vector := said.Data[0].Embedding
	_, err = fmt.Printf("asked     %s\nanswered  %.4f … %d numbers for %d tokens in %v\n\n%s",
		f.ask, vector[:4], len(vector), said.Usage.Tokens, took.Round(10*time.Microsecond), report)
	return err
}
