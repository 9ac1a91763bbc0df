// An agent's client that proposes an action which people have to approve, and can follow a task (`how: "task"`, which may be
// cancelled), or show its user an address (`how: "url"`). Prints one line of JSON for each thing that it learns.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { createTaskSessionFromClient, resultFromTaskOutcome } from '@modelcontextprotocol/ext-tasks/client';

const { url, token, how, proposal, cancels } = JSON.parse(process.argv[2]);
const TASKS = 'io.modelcontextprotocol/tasks';
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const clientInfo = { name: 'an-agent', version: '1.0.0' };
const capabilities = how === 'task' ? { extensions: { [TASKS]: {} } } : { elicitation: { url: {} } };
const versionNegotiation = { mode: { pin: '2026-07-28' } };
const client = new Client(clientInfo, { capabilities, versionNegotiation });
if (how === 'url')
  client.setRequestHandler('elicitation/create', async ({ params }) => {
    say({ shown: params });
    return { action: 'accept' };
  });
const requestInit = { headers: { authorization: `Bearer ${token}` } };
await client.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }));

if (how === 'url') say({ result: await client.callTool({ name: 'propose_action', arguments: proposal }) });
else {
  const protocolVersion = client.getNegotiatedProtocolVersion();
  const rawDispatch = async (request, { context } = {}) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        ...requestInit.headers,
        ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        ...{ 'mcp-protocol-version': protocolVersion, 'mcp-method': request.method },
        ...(request.params?.name !== undefined && { 'mcp-name': request.params.name }),
        ...context?.headers,
      },
      body: JSON.stringify({ ...request, jsonrpc: '2.0', id: crypto.randomUUID() }),
    });
    const { result, error } = await response.json();
    return error === undefined ? { kind: 'result', result } : { kind: 'error', error };
  };
  const v2RequestFraming = { protocolVersion, clientInfo, clientCapabilities: capabilities };
  const options = { endpointId: 'countersign', rawDispatch, v2RequestFraming };
  const session = createTaskSessionFromClient(client, options);
  const execution = await session.callTool('propose_action', proposal);
  say({ execution: execution.kind, taskId: execution.handle?.taskId });
  if (cancels) {
    await execution.cancel();
    say({ cancelled: true });
  }
  const { outcome } = await execution.settle();
  say({ outcome: outcome.status, ...(!cancels && { result: resultFromTaskOutcome(outcome) }) });
  await session.close();
}
await client.close();
