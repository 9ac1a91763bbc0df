import { once } from 'node:events';
import { createServer } from 'node:http';
import type { UpStack } from '../../integration/gateway/support/up-stack';

/** The address at which a job of GitHub Actions gets its token, with the variables of that job. */
export interface JobTokens {
  readonly env: Readonly<Record<string, string>>;
  close(): void;
}

/** Serves tokens to a job of the payments pipeline. What it hands out is the real issuer's. */
export async function serveJobTokens(stack: UpStack): Promise<JobTokens> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', stack.url);
    const isJob = request.headers.authorization === 'bearer word-of-the-job';
    if (!isJob || url.searchParams.get('audience') !== stack.url) return void response.writeHead(401).end();
    void stack.issuer.token('payments-pipeline').then((value) => response.end(JSON.stringify({ value })));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    env: {
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://127.0.0.1:${port}/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'word-of-the-job',
    },
    close: () => void server.close(),
  };
}
