// Starts an MCP server on standard streams, as an agent's configuration says, and calls tools of it. It knows nothing of a gate.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sort"

	"github.com/modelcontextprotocol/go-sdk/mcp"
)

type asked struct {
	Command string
	Args    []string
	Calls   []struct {
		Name      string
		Arguments map[string]any
	}
}

type answer struct {
	IsError bool   `json:"isError"`
	Text    string `json:"text"`
}

type said struct {
	Tools   []string `json:"tools"`
	Answers []answer `json:"answers"`
}

func main() {
	var question asked
	if err := json.Unmarshal([]byte(os.Args[1]), &question); err != nil {
		fail(err)
	}
	answers, err := ask(context.Background(), question)
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answers); err != nil {
		fail(err)
	}
}

func ask(ctx context.Context, question asked) (*said, error) {
	client := mcp.NewClient(&mcp.Implementation{Name: "an-agent", Version: "1.0.0"}, nil)
	command := exec.Command(question.Command, question.Args...)
	session, err := client.Connect(ctx, &mcp.CommandTransport{Command: command}, nil)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	tools, err := session.ListTools(ctx, nil)
	if err != nil {
		return nil, err
	}
	result := &said{}
	for _, tool := range tools.Tools {
		result.Tools = append(result.Tools, tool.Name)
	}
	sort.Strings(result.Tools)
	for _, call := range question.Calls {
		called, err := session.CallTool(ctx, &mcp.CallToolParams{Name: call.Name, Arguments: call.Arguments})
		if err != nil {
			return nil, err
		}
		text := ""
		if first, ok := called.Content[0].(*mcp.TextContent); ok {
			text = first.Text
		}
		result.Answers = append(result.Answers, answer{called.IsError, text})
	}
	return result, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
