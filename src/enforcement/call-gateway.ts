import { z } from 'zod';
import { GatewayError } from './gateway-error';

const problemSchema = z.object({ type: z.string(), detail: z.string(), code: z.string().optional() });
const TIMEOUT_MS = 20_000;

export interface GatewayCallOptions {
  readonly body?: unknown;
  /** Without it, the call is for anyone. */
  readonly token?: string;
  readonly fetch?: typeof fetch;
}

/** Returns the identifier of a gateway from its address as people type it. The gateway may lie below a path. */
export function identifierOf(address: string): string {
  const { origin, pathname } = new URL(address);
  return `${origin}${pathname.replace(/\/+$/, '')}`;
}

/**
 * Calls a gateway and returns its answer as JSON.
 *
 * @throws GatewayError if the gateway refuses, with its code; other errors if it cannot be reached
 */
export async function callGateway(
  gateway: string,
  method: 'GET' | 'POST',
  path: string,
  { body, token, fetch: send = fetch }: GatewayCallOptions = {},
): Promise<unknown> {
  const response = await send(`${gateway}${path}`, {
    method,
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const answer: unknown = await response.json().catch(() => undefined);
  if (response.ok) return answer;
  const problem = problemSchema.safeParse(answer).data;
  const detail = problem?.detail ?? `the gateway answered ${response.status}`;
  throw new GatewayError(response.status, problem?.type ?? 'about:blank', detail, problem?.code);
}
