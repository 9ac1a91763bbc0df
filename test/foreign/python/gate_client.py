"""Starts an MCP server on standard streams, as an agent's configuration says, and calls tools of it. It knows nothing of a gate."""

import asyncio
import json
import os
import sys

from mcp.client.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client


async def main(asked):
    server = StdioServerParameters(command=asked["command"], args=asked["args"], env=dict(os.environ))
    async with Client(stdio_client(server)) as client:
        tools = await client.list_tools()
        answers = []
        for call in asked["calls"]:
            said = await client.call_tool(call["name"], call["arguments"])
            answers.append({"isError": bool(said.is_error), "text": said.content[0].text})
        print(json.dumps({"tools": sorted(tool.name for tool in tools.tools), "answers": answers}))


asyncio.run(main(json.loads(sys.argv[1])))
