// Starts an MCP server on standard streams, as an agent's configuration says, and calls tools of it. It knows nothing of a gate.
// `library` says which client: `v1` (@modelcontextprotocol/sdk) or `v2` (@modelcontextprotocol/client).
const { command, args, calls, library } = JSON.parse(process.argv[2]);

const load = {
  v1: async () => ({
    ...(await import('@modelcontextprotocol/sdk/client/index.js')),
    ...(await import('@modelcontextprotocol/sdk/client/stdio.js')),
  }),
  v2: async () => ({
    ...(await import('@modelcontextprotocol/client')),
    ...(await import('@modelcontextprotocol/client/stdio')),
  }),
};
const { Client, StdioClientTransport } = await load[library]();
const client = new Client({ name: 'an-agent', version: '1.0.0' }, {});
await client.connect(new StdioClientTransport({ command, args, env: process.env, stderr: 'inherit' }));
const { tools } = await client.listTools();
const answers = [];
for (const call of calls) {
  const { isError = false, content } = await client.callTool(call);
  answers.push({ isError, text: content[0]?.text });
}
await client.close();
process.stdout.write(JSON.stringify({ tools: tools.map(({ name }) => name).sort(), answers }));
