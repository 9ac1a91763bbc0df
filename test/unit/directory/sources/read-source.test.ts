import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type Server as HttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readSource } from '../../../../src/directory/sources/read-source';
import { sourceSchema } from '../../../../src/directory/sources/sources-file';

/* Servers that play sources which hang, or send without end. */

let dir: string;
const opened: (Server | HttpServer)[] = [];
const sockets = new Set<Socket>();
beforeAll(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-hostile-source-'));
  writeFileSync(path.join(dir, 'secret'), 'a secret');
});
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  for (const server of opened) server.close();
  rmSync(dir, { recursive: true, force: true });
});

async function listening<S extends Server | HttpServer>(server: S): Promise<number> {
  opened.push(server);
  server.on('connection', (socket: Socket) => sockets.add(socket.on('error', () => undefined)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port }: AddressInfo = Object(server.address());
  return port;
}

const ldapAt = (port: number) =>
  sourceSchema.parse({
    ...{
      kind: 'ldap',
      url: `ldap://127.0.0.1:${port}`,
      bindDn: 'cn=x',
      passwordFile: path.join(dir, 'secret'),
    },
    ...{ tls: 'none', people: { base: 'ou=people' }, groupsBase: 'ou=groups', groups: {} },
  });
const keycloakAt = (port: number) =>
  sourceSchema.parse({
    ...{ kind: 'keycloak', url: `http://127.0.0.1:${port}`, realm: 'company', clientId: 'reader' },
    ...{ secretFile: path.join(dir, 'secret'), groups: {} },
  });

describe('DIR-3 a hostile source', () => {
  test.each([
    ['ldap', ldapAt],
    ['keycloak', keycloakAt],
  ])('that hangs is given up (%s)', async (_, rulesAt) => {
    const port = await listening(createServer(() => undefined));
    await expect(readSource(rulesAt(port), undefined, 300)).rejects.toThrow(
      'it took longer than 0.3 seconds',
    );
  });

  test('that sends without end is cut off long before a gigabyte', async () => {
    let sent = 0;
    const port = await listening(
      createHttpServer((request, response) => {
        response.setHeader('content-type', 'application/json');
        if (request.url?.includes('/token')) {
          response.end(JSON.stringify({ access_token: 'x', expires_in: 60 }));
          return;
        }
        response.write('[');
        const chunk = Buffer.alloc(64 * 1024, 32);
        const more = () => {
          if (response.destroyed || sent > 1024 ** 3) return;
          sent += chunk.length;
          response.write(chunk, () => setImmediate(more));
        };
        more();
      }),
    );
    await expect(readSource(keycloakAt(port))).rejects.toThrow();
    expect(sent).toBeGreaterThan(0);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
  });
});
