import {
  createMcpHandler,
  isLegacyRequest,
  JSONRPC_VERSION,
  type McpRequestContext,
  type McpServer,
  PROTOCOL_VERSION_META_KEY,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server';
import { z } from 'zod';
import { toolResult } from '../answers';

type Making = (context: Pick<McpRequestContext, 'era'>) => McpServer;

const idSchema = z.union([z.string().max(256), z.int()]);
const readable = z.looseObject({
  id: idSchema,
  method: z.string(),
  params: z
    .looseObject({ _meta: z.looseObject({}) })
    .partial()
    .optional(),
});

/**
 * Serves one message by a server made for it. Nothing is kept afterwards, whichever version of the protocol the client speaks.
 */
export async function serveMessage(
  request: Request,
  message: Readonly<Record<string, unknown>>,
  make: Making,
): Promise<Response> {
  // Tools never change while a client is here, and tasks are polled, as their extension has it. So there is no stream to keep open.
  if (message['method'] === 'subscriptions/listen')
    return rpcError(404, idOf(message), -32_601, 'there is nothing to subscribe to');
  if (!(await isLegacyRequest(request, message)))
    return createMcpHandler(make, { legacy: 'reject' }).fetch(request, { parsedBody: message });
  const server = make({ era: 'legacy' });
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  try {
    await server.connect(transport);
    return await transport.handleRequest(request, { parsedBody: message });
  } finally {
    await server.close();
  }
}

/**
 * Answers a message that is not strict JSON. A model that called a tool is told what was wrong with its values; its client would
 * throw away anything but a result.
 */
export function answerUnreadable(text: string, detail: string): Response {
  const { data: message } = readable.safeParse(parsed(text));
  if (message?.method !== 'tools/call') return rpcError(400, message?.id ?? null, -32_700, detail);
  const isModern = message.params?._meta?.[PROTOCOL_VERSION_META_KEY] !== undefined;
  const next = 'Correct the arguments and call again.';
  const result = {
    ...toolResult({ error: 'INVALID', detail, next }, true),
    ...(isModern && { resultType: 'complete' }),
  };
  return Response.json({ jsonrpc: JSONRPC_VERSION, id: message.id, result });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const idOf = (message: Readonly<Record<string, unknown>>) => idSchema.safeParse(message['id']).data ?? null;

const rpcError = (status: number, id: string | number | null, code: number, message: string): Response =>
  Response.json({ jsonrpc: JSONRPC_VERSION, id, error: { code, message } }, { status });
