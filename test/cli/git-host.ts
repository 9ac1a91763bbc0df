import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import path from 'node:path';
import { decodeJwt, importJWK, type JWK, jwtVerify } from 'jose';

export interface GitHost {
  readonly url: string;
  readonly passwords: readonly string[];
  stop(): void;
}

/**
 * A git host: git's own `http-backend`, which lets in whoever has a token for this host by a key that it knows, and at this
 * moment holds what `mayPush` says of their account.
 */
export async function startGitHost(
  folder: string,
  keys: ReadonlyMap<string, JWK>,
  mayPush: (account: string) => Promise<boolean>,
): Promise<GitHost> {
  const repository = path.join(folder, 'release.git');
  execFileSync('git', ['init', '-q', '--bare', '-b', 'main', repository]);
  execFileSync('git', ['-C', repository, 'config', 'http.receivepack', 'true']);
  const backend = path.join(
    execFileSync('git', ['--exec-path'], { encoding: 'utf8' }).trim(),
    'git-http-backend',
  );
  const passwords: string[] = [];
  const server = createServer((request, response) => {
    void admit(request)
      .catch(() => false)
      .then((admitted) => {
        if (admitted) serve(request, response);
        else response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;

  async function admit({ headers }: IncomingMessage): Promise<boolean> {
    const [, encoded = ''] = (headers.authorization ?? '').split(' ');
    const [account = '', password = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(/:(.*)/s);
    if (password === '') return false;
    passwords.push(password);
    const key = keys.get(String(decodeJwt(password).iss));
    if (key === undefined) return false;
    const algorithm = key.kty === 'OKP' ? 'EdDSA' : 'ES256';
    await jwtVerify(password, await importJWK(key, algorithm), {
      audience: url,
      typ: 'countersign-caller+jwt',
    });
    return mayPush(account);
  }

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, search } = new URL(request.url ?? '/', url);
    const child = spawn(backend, {
      env: {
        PATH: process.env['PATH'] ?? '',
        GIT_PROJECT_ROOT: folder,
        GIT_HTTP_EXPORT_ALL: '1',
        REMOTE_USER: 'somebody',
        PATH_INFO: pathname,
        QUERY_STRING: search.slice(1),
        REQUEST_METHOD: request.method ?? 'GET',
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        ...(request.headers['content-encoding'] && {
          HTTP_CONTENT_ENCODING: request.headers['content-encoding'],
        }),
      },
    });
    request.pipe(child.stdin);
    const chunks: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
    child.on('close', () => {
      const all = Buffer.concat(chunks);
      const end = all.indexOf('\r\n\r\n');
      let status = 200;
      for (const line of all.subarray(0, end).toString('utf8').split('\r\n')) {
        const [name = '', value = ''] = line.split(/:\s*(.*)/s);
        if (name.toLowerCase() === 'status') status = Number(value.slice(0, 3));
        else response.setHeader(name, value);
      }
      response.writeHead(status).end(all.subarray(end + 4));
    });
  }

  return {
    url,
    passwords,
    stop: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
