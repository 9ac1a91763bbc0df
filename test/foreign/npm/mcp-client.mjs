// Connects to an MCP endpoint as agents do: finds its issuer from the 401, gets a token, and calls one tool. `library` says which
// client: `v1` (@modelcontextprotocol/sdk) or `v2` (@modelcontextprotocol/client, which tries the newest protocol first).
const { url, id, secret, issuer, library, tool } = JSON.parse(process.argv[2]);

const load = {
  v1: async () => ({
    ...(await import('@modelcontextprotocol/sdk/client/index.js')),
    ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
    ...(await import('@modelcontextprotocol/sdk/client/auth-extensions.js')),
    options: {},
  }),
  v2: async () => ({
    ...(await import('@modelcontextprotocol/client')),
    options: { versionNegotiation: { mode: 'auto' } },
  }),
};
const { Client, StreamableHTTPClientTransport, ClientCredentialsProvider, options } = await load[library]();
const client = new Client({ name: 'an-agent', version: '1.0.0' }, options);
const authProvider = new ClientCredentialsProvider({
  clientId: id,
  clientSecret: secret,
  expectedIssuer: issuer,
});
const transport = new StreamableHTTPClientTransport(new URL(url), { authProvider });
await client.connect(transport);
const { tools } = await client.listTools();
const answer = await client.callTool({ name: tool, arguments: {} });
const protocol = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion;
await client.close();
process.stdout.write(
  JSON.stringify({ protocol, tools: tools.map(({ name }) => name), answer: answer.structuredContent }),
);
