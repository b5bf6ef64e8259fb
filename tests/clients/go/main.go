// Clients of Go: `main LIBRARY ADDRESS`.
package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"github.com/r3labs/sse/v2"
	"gopkg.in/cenkalti/backoff.v1"
)

const wish = "?symbols=BTCUSDT,ETHUSDT"

var all = context.Background()

// known is what a client keeps of what it hears.
type known struct {
	id string
	// How long to wait before it comes back.
	pause time.Duration
	// Without a word for so long a connection is dead: 2.5 heartbeats.
	silence time.Duration
}

func nothing() *known { return &known{pause: time.Second, silence: 30 * time.Second} }

// hear takes in what an event says, which is JSON.
func (k *known) hear(data []byte) {
	var said struct {
		ID        string  `json:"id"`
		Retry     int     `json:"retry"`
		Heartbeat float64 `json:"heartbeat"`
	}
	fmt.Println(string(data))
	if json.Unmarshal(data, &said) != nil {
		return
	}
	if said.ID != "" {
		k.id = said.ID
	}
	if said.Retry > 0 {
		k.pause = time.Duration(said.Retry) * time.Millisecond
	}
	if said.Heartbeat > 0 {
		k.silence = time.Duration(2.5 * said.Heartbeat * float64(time.Second))
	}
}

// rest waits as long as the relay asked for, or a second.
func (k *known) rest() {
	time.Sleep(k.pause)
	k.pause = time.Second
}

func refused(status int) { fmt.Printf("{\"refused\":%d}\n", status) }

// whole reads all symbols with Go's own gzip until the relay ends the stream, and says how that ended.
func whole(address string) {
	request, _ := http.NewRequest("GET", address+"/events", nil)
	request.Header.Set("Accept-Encoding", "gzip")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(err)
	}
	inflated, err := gzip.NewReader(answer.Body)
	if err == nil {
		_, err = io.Copy(io.Discard, inflated)
	}
	fmt.Printf("{\"gzip\":%q}\n", fmt.Sprint(err))
}

// nethttp parses lines by itself; Go asks for gzip and inflates without a word. It has no time-out for a stream
// that is silent: a timer ends it here.
func nethttp(address string) {
	if answer, err := http.Get(address + "/events?rate=0"); err == nil {
		refused(answer.StatusCode)
		answer.Body.Close()
	}
	for now := nothing(); ; now.rest() {
		within, end := context.WithCancel(all)
		dead := time.AfterFunc(now.silence, end)
		request, _ := http.NewRequestWithContext(within, "GET", address+"/events"+wish, nil)
		if now.id != "" {
			request.Header.Set("Last-Event-ID", now.id)
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			lines := bufio.NewScanner(answer.Body)
			for lines.Scan() {
				name, value, _ := strings.Cut(lines.Text(), ": ")
				switch name {
				case "id":
					now.id = value
				case "retry":
					if wait, err := strconv.Atoi(value); err == nil {
						now.pause = time.Duration(wait) * time.Millisecond
					}
				case "data":
					now.hear([]byte(value))
					dead.Reset(now.silence)
				}
			}
			answer.Body.Close()
		}
		dead.Stop()
		end()
	}
}

// r3labs keeps the last id. By itself it would come back at times of its own, and not by `retry:`; so it is told
// to give up at once, and asked anew. It has no time-out for a stream that is silent: a timer ends it here.
func r3labs(address string) {
	client := sse.NewClient(address + "/events?rate=0")
	client.ReconnectStrategy = &backoff.StopBackOff{}
	if err := client.SubscribeRaw(func(*sse.Event) {}); err != nil {
		var status int
		fmt.Sscanf(err.Error(), "could not connect to stream: %d", &status)
		if status == 0 {
			fmt.Sscanf(err.Error(), "could not connect to stream: Bad Request", &status)
			status = http.StatusBadRequest
		}
		refused(status)
	}
	client = sse.NewClient(address + "/events" + wish)
	client.ReconnectStrategy = &backoff.StopBackOff{}
	for now := nothing(); ; now.rest() {
		within, end := context.WithCancel(all)
		dead := time.AfterFunc(now.silence, end)
		client.SubscribeRawWithContext(within, func(event *sse.Event) {
			now.hear(event.Data)
			dead.Reset(now.silence)
		})
		dead.Stop()
		end()
	}
}

func withGorilla(address string) {
	address = strings.Replace(address, "http", "ws", 1) + "/ws"
	if _, answer, err := gorilla.DefaultDialer.Dial(address+"?rate=0", nil); err != nil {
		refused(answer.StatusCode)
	}
	for now := nothing(); ; now.rest() {
		dialer := gorilla.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: now.silence}
		socket, _, err := dialer.Dial(address+wish+"&since="+now.id, nil)
		if err != nil {
			continue
		}
		for {
			socket.SetReadDeadline(time.Now().Add(now.silence))
			_, data, err := socket.ReadMessage()
			if err != nil {
				break
			}
			now.hear(data)
		}
		socket.Close()
	}
}

// coder takes messages up to 32 KiB unless it is told otherwise: the relay sends none that is larger.
func withCoder(address string) {
	address = strings.Replace(address, "http", "ws", 1) + "/ws"
	if _, answer, err := coder.Dial(all, address+"?rate=0", nil); err != nil {
		refused(answer.StatusCode)
	}
	for now := nothing(); ; now.rest() {
		opening, opened := context.WithTimeout(all, now.silence)
		socket, _, err := coder.Dial(opening, address+wish+"&since="+now.id, nil)
		opened()
		if err != nil {
			continue
		}
		for {
			within, end := context.WithTimeout(all, now.silence)
			_, data, err := socket.Read(within)
			end()
			if err != nil {
				break
			}
			now.hear(data)
		}
		socket.CloseNow()
	}
}

func main() {
	clients := map[string]func(string){
		"gzip": whole, "net/http": nethttp, "r3labs": r3labs, "gorilla": withGorilla, "coder": withCoder,
	}
	run, known := clients[os.Args[1]]
	if !known {
		panic(errors.New(os.Args[1]))
	}
	run(os.Args[2])
}
