"""Connects to an MCP endpoint as agents in Python do: finds its issuer from the 401, gets a token, and calls one tool."""

import asyncio
import json
import sys

import httpx2
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client


class Memory:
    """Keeps what the provider obtains, for this run."""

    def __init__(self):
        self.tokens = None
        self.client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


async def main(asked):
    provider = ClientCredentialsOAuthProvider(
        server_url=asked["url"],
        storage=Memory(),
        client_id=asked["id"],
        client_secret=asked["secret"],
        token_endpoint_auth_method="client_secret_post",
        issuer=asked["issuer"],
    )
    async with httpx2.AsyncClient(auth=provider) as http:
        async with Client(streamable_http_client(asked["url"], http_client=http)) as client:
            tools = await client.list_tools()
            answer = await client.call_tool(asked["tool"], {})
            print(
                json.dumps(
                    {
                        "protocol": client.protocol_version,
                        "tools": [tool.name for tool in tools.tools],
                        "answer": answer.structured_content,
                    }
                )
            )


asyncio.run(main(json.loads(sys.argv[1])))
