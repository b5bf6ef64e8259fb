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
	"strings"
	"time"

	coder "github.com/coder/websocket"
	gorilla "github.com/gorilla/websocket"
	"github.com/r3labs/sse/v2"
	"gopkg.in/cenkalti/backoff.v1"
)

const wish = "?symbols=BTCUSDT,ETHUSDT"

// Without a word for 2.5 heartbeats a connection is dead.
const silence = 30 * time.Second

type said struct {
	ID    string `json:"id"`
	Retry int    `json:"retry"`
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

// nethttp parses lines by itself; Go asks for gzip and inflates without a word.
func nethttp(address string) {
	if answer, err := http.Get(address + "/events?rate=0"); err == nil {
		refused(answer.StatusCode)
		answer.Body.Close()
	}
	id := ""
	for {
		request, _ := http.NewRequest("GET", address+"/events"+wish, nil)
		if id != "" {
			request.Header.Set("Last-Event-ID", id)
		}
		if answer, err := http.DefaultClient.Do(request); err == nil {
			lines := bufio.NewScanner(answer.Body)
			for lines.Scan() {
				name, value, _ := strings.Cut(lines.Text(), ": ")
				switch name {
				case "id":
					id = value
				case "data":
					fmt.Println(value)
				}
			}
			answer.Body.Close()
		}
		time.Sleep(time.Second)
	}
}

// r3labs comes back by itself, with the last id, at times of its own: it does not wait by `retry:`, and
// returns when its back-off gives up.
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
	for {
		client.SubscribeRaw(func(event *sse.Event) { fmt.Println(string(event.Data)) })
		time.Sleep(time.Second)
	}
}

func withGorilla(address string) {
	address = strings.Replace(address, "http", "ws", 1) + "/ws"
	if _, answer, err := gorilla.DefaultDialer.Dial(address+"?rate=0", nil); err != nil {
		refused(answer.StatusCode)
	}
	id := ""
	for {
		pause := time.Second
		if socket, _, err := gorilla.DefaultDialer.Dial(address+wish+"&since="+id, nil); err == nil {
			for {
				socket.SetReadDeadline(time.Now().Add(silence))
				_, data, err := socket.ReadMessage()
				if err != nil {
					break
				}
				pause = hear(data, &id, pause)
			}
			socket.Close()
		}
		time.Sleep(pause)
	}
}

// coder takes messages up to 32 KiB unless it is told otherwise: the relay sends none that is larger.
func withCoder(address string) {
	address = strings.Replace(address, "http", "ws", 1) + "/ws"
	all := context.Background()
	if _, answer, err := coder.Dial(all, address+"?rate=0", nil); err != nil {
		refused(answer.StatusCode)
	}
	id := ""
	for {
		pause := time.Second
		if socket, _, err := coder.Dial(all, address+wish+"&since="+id, nil); err == nil {
			for {
				within, end := context.WithTimeout(all, silence)
				_, data, err := socket.Read(within)
				end()
				if err != nil {
					break
				}
				pause = hear(data, &id, pause)
			}
			socket.CloseNow()
		}
		time.Sleep(pause)
	}
}

func hear(data []byte, id *string, pause time.Duration) time.Duration {
	var now said
	if json.Unmarshal(data, &now) == nil && now.ID != "" {
		*id = now.ID
	}
	fmt.Println(string(data))
	if now.Retry > 0 {
		return time.Duration(now.Retry) * time.Millisecond
	}
	return pause
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
