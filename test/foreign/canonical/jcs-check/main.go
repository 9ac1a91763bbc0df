// Reads files of JSON and says of each whether RFC 8785 has a canonical form for it, and whether the file is that form.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/gowebpki/jcs"
)

func main() {
	answers := map[string]string{}
	for _, name := range os.Args[1:] {
		answers[name] = judge(name)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func judge(name string) string {
	content, err := os.ReadFile(name)
	if err != nil {
		return "unreadable"
	}
	written, err := jcs.Transform(content)
	if err != nil {
		return "refused"
	}
	if bytes.Equal(append(written, '\n'), content) {
		return "canonical"
	}
	return "other form"
}
