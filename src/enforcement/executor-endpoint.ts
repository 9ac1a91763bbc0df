import { createServer, type IncomingMessage } from 'node:http';
import { z } from 'zod';
import type { MigrationExecutor } from './migration-executor';

const MOST_BYTES = 32 * 1024;
const presentedSchema = z.strictObject({ token: z.string(), holder_proof: z.string() });

export interface ExecutorEndpoint {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Accepts presented tokens over HTTP and passes them to the executor. It authenticates nobody, because the executor itself checks
 * the token, the holder's proof and the evidence.
 */
export async function serveExecutor(
  executor: Pick<MigrationExecutor, 'execute'>,
  { port, host = '127.0.0.1' }: { readonly port: number; readonly host?: string },
): Promise<ExecutorEndpoint> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const malformed = {
      outcome: 'refused',
      refusal: { code: 'MALFORMED', detail: 'the body is not a token with its proof' },
    };
    if (request.method !== 'POST') return void answer(405, malformed);
    void readBody(request).then(async (body) => {
      const presented = presentedSchema.safeParse(body);
      if (!presented.success) return answer(400, malformed);
      const { token, holder_proof: holderProof } = presented.data;
      const outcome = await executor.execute({ token, holderProof }).catch(() => ({
        outcome: 'refused',
        refusal: { code: 'NOT_NOW', detail: 'it cannot be proved now; try again' },
      }));
      return answer(outcome.outcome === 'refused' ? 403 : 200, outcome);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  const address = server.address();
  const actual = typeof address === 'object' && address !== null ? address.port : port;
  return {
    url: `http://${host}:${actual}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Returns the body as JSON, or undefined if it is not JSON or too large. */
async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      const bytes = Buffer.from(chunk);
      size += bytes.length;
      if (size > MOST_BYTES) return undefined;
      chunks.push(bytes);
    }
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    return undefined;
  }
}
