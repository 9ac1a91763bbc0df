// Connects to an MCP endpoint as agents in Go do: finds its issuer from the 401, gets a token, and calls one tool.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/modelcontextprotocol/go-sdk/auth/extauth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"
)

type asked struct {
	URL, ID, Secret, Issuer, Tool string
}

type said struct {
	Protocol string   `json:"protocol"`
	Tools    []string `json:"tools"`
	Answer   any      `json:"answer"`
}

func main() {
	var question asked
	if err := json.Unmarshal([]byte(os.Args[1]), &question); err != nil {
		fail(err)
	}
	answer, err := ask(context.Background(), question)
	if err != nil {
		fail(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(answer); err != nil {
		fail(err)
	}
}

func ask(ctx context.Context, question asked) (*said, error) {
	handler, err := extauth.NewClientCredentialsHandler(&extauth.ClientCredentialsHandlerConfig{
		Credentials: &oauthex.ClientCredentials{
			ClientID:         question.ID,
			ClientSecretAuth: &oauthex.ClientSecretAuth{ClientSecret: question.Secret},
			Issuer:           question.Issuer,
		},
	})
	if err != nil {
		return nil, err
	}
	client := mcp.NewClient(&mcp.Implementation{Name: "an-agent", Version: "1.0.0"}, nil)
	transport := &mcp.StreamableClientTransport{Endpoint: question.URL, OAuthHandler: handler}
	session, err := client.Connect(ctx, transport, nil)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	tools, err := session.ListTools(ctx, nil)
	if err != nil {
		return nil, err
	}
	result, err := session.CallTool(ctx, &mcp.CallToolParams{Name: question.Tool, Arguments: map[string]any{}})
	if err != nil {
		return nil, err
	}
	answer := &said{Protocol: session.InitializeResult().ProtocolVersion, Answer: result.StructuredContent}
	for _, tool := range tools.Tools {
		answer.Tools = append(answer.Tools, tool.Name)
	}
	return answer, nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
