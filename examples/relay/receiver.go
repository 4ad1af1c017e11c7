// Receives the events of a relay: go run examples/relay/receiver.go 8000 secret
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxBodyBytes = 4 << 20 // A request has 1 MiB, unless one event is larger.
	maxSeen      = 100_000 // Events that are remembered to recognise those that arrive again.
	tolerance    = 5 * time.Minute
)

type event struct {
	ID      string          `json:"id"`
	Source  string          `json:"source"`
	Type    string          `json:"type"`
	Subject string          `json:"subject"`
	Data    json.RawMessage `json:"data"`
}

type receiver struct {
	key   []byte
	mutex sync.Mutex
	seen  map[string]bool
	order []string // The keys of seen, as a circular buffer.
	next  int
}

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: receiver PORT SECRET_FILE")
	}
	key, err := readSecret(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	address := "127.0.0.1:" + os.Args[1]
	log.Print("listening on ", address)
	log.Fatal(http.ListenAndServe(address, &receiver{key: key, seen: map[string]bool{}}))
}

func readSecret(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(strings.TrimSpace(line), "whsec_"))
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	if request.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBodyBytes))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if !isSigned(r.key, request.Header, body) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var events []event
	if err := json.Unmarshal(body, &events); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, e := range events {
		r.processOnce(e)
	}
	w.WriteHeader(http.StatusNoContent)
}

// isSigned says whether one of the signatures is that of the key, and the request is recent.
func isSigned(key []byte, header http.Header, body []byte) bool {
	timestamp := header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return false
	}
	if age := time.Since(time.Unix(seconds, 0)); age > tolerance || age < -tolerance {
		return false
	}
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "%s.%s.%s", header.Get("webhook-id"), timestamp, body)
	expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for _, signature := range strings.Split(header.Get("webhook-signature"), " ") {
		if hmac.Equal(expected, []byte(signature)) {
			return true
		}
	}
	return false
}

func (r *receiver) processOnce(e event) {
	key := e.Source + " " + e.ID
	if r.seen[key] {
		return
	}
	subject := e.Subject
	if subject == "" {
		subject = "-"
	}
	fmt.Println(e.Type, subject, e.ID)
	// Once it is processed: after a failure it has to arrive again.
	r.seen[key] = true
	if len(r.order) < maxSeen {
		r.order = append(r.order, key)
		return
	}
	delete(r.seen, r.order[r.next])
	r.order[r.next] = key
	r.next = (r.next + 1) % maxSeen
}
