// Reads its configuration when it starts and at SIGHUP, and says what it found.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func say() {
	text, err := os.ReadFile(os.Args[1])
	var read struct {
		Orders struct {
			Limits struct {
				MaxOpen int `json:"max-open"`
			}
		}
	}
	if err == nil {
		err = json.Unmarshal(text, &read)
	}
	fmt.Println("go", os.Getpid(), "max-open", read.Orders.Limits.MaxOpen, err)
}

func main() {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGHUP)
	say()
	for range changed {
		say()
	}
}
