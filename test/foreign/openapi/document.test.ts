import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DecisionGateway } from '../../integration/gateway/support/decision-gateway';
import { npmTools, runProgram } from '../support/npm-tools';
import { pythonTools } from '../support/python-tools';

/* What others make of /openapi.json: a linter, and generators of clients in TypeScript and Python. */

jest.setTimeout(240_000);

const FIXTURE = path.resolve(__dirname, '../../fixtures/authzen-certification');

let gateway: DecisionGateway;
let dir: string;
let file: string;
// biome-ignore lint/suspicious/noExplicitAny: a test looks into a document of another's form, and fails where it differs
let document: any;
beforeAll(async () => {
  gateway = await DecisionGateway.start(FIXTURE, ['service/harness'], () => ({
    enforcementPoints: ['service/harness'],
  }));
  dir = mkdtempSync(path.join(tmpdir(), 'countersign-openapi-'));
  file = path.join(dir, 'openapi.json');
  document = (await gateway.web.call('/openapi.json')).json;
  writeFileSync(file, JSON.stringify(document));
});
afterAll(async () => {
  await gateway?.stop();
  rmSync(dir, { recursive: true, force: true });
});

async function ran(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const { code, stdout, stderr } = await runProgram(command, args, { cwd: dir, env });
  if (code !== 0) throw new Error(`${path.basename(command)} ended with ${code}:\n${stdout}\n${stderr}`);
  return stdout;
}
const tool = (name: string): string => path.join(npmTools(), 'node_modules/.bin', name);

// biome-ignore lint/suspicious/noExplicitAny: as above
const operations = (): [string, any][] =>
  Object.entries<Record<string, object>>(document.paths).flatMap(([where, methods]) =>
    Object.entries(methods).map(([method, about]): [string, object] => [`${method} ${where}`, about]),
  );

describe('FRI-2 the OpenAPI document', () => {
  it('redocly finds nothing in it', async () => {
    // The gateway of a test is at localhost, which the linter takes for an example.
    await ran(tool('redocly'), ['lint', file, '--extends=recommended', '--skip-rule=no-server-example.com'], {
      REDOCLY_TELEMETRY: 'off',
      REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
    }).then((said) => expect(said).not.toMatch(/warning/i));
  });

  it('every operation has a name of its own, says who may call, and has a type for what it answers', () => {
    const names = operations().map(([, { operationId }]) => operationId);
    expect(new Set(names).size).toBe(names.length);
    for (const [where, { security, responses }] of operations()) {
      expect([where, Array.isArray(security)]).toEqual([where, true]);
      const good = Object.entries<{ content: Record<string, { schema: object }> }>(responses).filter(
        ([code]) => code.startsWith('2'),
      );
      // What is not JSON is bytes of a media type of its own.
      for (const [, { content }] of good)
        for (const [media, { schema }] of Object.entries(content))
          expect([where, media, JSON.stringify(schema)]).toEqual([
            where,
            media,
            expect.stringMatching(
              media === 'application/json' ? /\$ref|anyOf|properties/ : /"type":"string"/,
            ),
          ]);
      expect([where, good.every(([, { content }]) => Object.keys(content).length > 0)]).toEqual([
        where,
        true,
      ]);
    }
    expect(Object.keys(document.components.securitySchemes).sort()).toEqual(['bearer', 'dpop']);
  });

  it('a TypeScript client has types for decisions, requests and tokens', async () => {
    await ran(tool('openapi-typescript'), [file, '-o', path.join(dir, 'gateway.d.ts')]);
    writeFileSync(
      path.join(dir, 'client.ts'),
      `import createClient from 'openapi-fetch';
import type { paths } from './gateway';
const client = createClient<paths>({ baseUrl: 'https://gateway.example' });
export async function use(): Promise<string[]> {
  const decided = await client.POST('/access/v1/evaluation', {
    body: { subject: { type: 'user', id: 'a' }, action: { name: 'read' }, resource: { type: 'r', id: '1' } },
  });
  const permitted: boolean | undefined = decided.data?.decision;
  const asked = await client.POST('/v1/asks', {
    body: {
      id: 'request-0001', kind: 'access', durationMs: 60_000, emergency: false, reason: 'x',
      entitlement: { connector: 'c', resource: 'r', action: 'a' },
    },
  });
  const seen = await client.GET('/v1/requests/{id}', { params: { path: { id: asked.data?.id ?? '' } } });
  const reason: string | undefined = seen.data?.request.reason;
  // @ts-expect-error there is no such member
  seen.data?.request.nothing;
  // @ts-expect-error a proof is needed
  client.POST('/v1/execution-tokens', { body: { request: 'request-0001' } });
  const token = await client.POST('/v1/execution-tokens', {
    params: { header: { dpop: 'proof' } }, body: { request: 'request-0001' },
  });
  return [String(permitted), reason ?? '', token.data?.audience ?? ''];
}
`,
    );
    const strict = ['--strict', '--noEmit', '--skipLibCheck', '--target', 'es2022', '--lib', 'es2023,dom'];
    const modules = path.join(npmTools(), 'node_modules');
    writeFileSync(
      path.join(dir, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          paths: { 'openapi-fetch': [path.join(modules, 'openapi-fetch')] },
          ...{ module: 'esnext', moduleResolution: 'bundler', types: [] },
        },
        files: ['client.ts'],
      }),
    );
    await ran(tool('tsc'), ['-p', dir, ...strict]);
  });

  it('a Python client is generated whole, and is told a decision', async () => {
    const bin = pythonTools();
    const out = path.join(dir, 'python');
    const said = await ran(
      path.join(bin, 'openapi-python-client'),
      ['generate', '--path', file, '--output-path', out, '--meta', 'none', '--fail-on-warning'],
      { PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    );
    expect(said).not.toMatch(/warning/i);
    const [bare] = readdirSync(path.join(out, 'models')).filter((name) => name === 'object_.py');
    expect(bare).toBeUndefined();
    expect(readFileSync(path.join(out, 'models/__init__.py'), 'utf8')).toContain('ExecutionToken');
    const script = path.join(dir, 'ask.py');
    writeFileSync(
      script,
      `import sys
from python import AuthenticatedClient
from python.api.auth_zen import post_access_v1_evaluation as evaluate
from python.models import EvaluationRequest
asked = {"subject": {"type": "user", "id": "alice"}, "action": {"name": "read"}, "resource": {"type": "record", "id": "record-1"}}
client = AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2], verify_ssl=sys.argv[3])
print(evaluate.sync(client=client, body=EvaluationRequest.from_dict(asked)).decision)
`,
    );
    const token = await gateway.token('service/harness');
    const args = [script, gateway.web.base, token, path.join(gateway.dir, 'tls.crt')];
    expect((await ran(path.join(bin, 'python'), args)).trim()).toBe('True');
  });

  it('a method that is not there is answered with those that are', async () => {
    const authorization = `Bearer ${await gateway.token('service/harness')}`;
    for (const [where, allow] of [
      ['/access/v1/evaluation', 'POST'],
      ['/v1/requests', 'GET, POST'],
      ['/v1/requests/request-0001', 'GET'],
      ['/openapi.json', 'GET'],
    ] as const) {
      const answer = await gateway.web.call(where, { method: 'DELETE', headers: { authorization } });
      expect([where, answer.status, answer.headers['allow']]).toEqual([where, 405, allow]);
    }
  });
});
