// Reads its configuration when it starts and at SIGHUP, and says what it found.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
)

type config struct {
	Orders struct {
		Limits struct {
			MaxOpen int `json:"max-open"`
		}
	}
}

func limit(path string) (int, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var found config
	if err := json.Unmarshal(text, &found); err != nil {
		return 0, err
	}
	limit := found.Orders.Limits.MaxOpen
	if limit <= 0 {
		return 0, fmt.Errorf("max-open must be positive, found %d", limit)
	}
	return limit, nil
}

func main() {
	log.SetFlags(0)
	if os.Args[1] == "--validate" {
		if _, err := limit(os.Args[2]); err != nil {
			log.Fatal(err)
		}
		return
	}
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, syscall.SIGHUP)
	for {
		found, err := limit(os.Args[1])
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println("go", os.Getpid(), "max-open", found)
		<-changed
	}
}
