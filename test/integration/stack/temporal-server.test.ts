import { Client, Connection } from '@temporalio/client';
import { CountersignClient } from '../../../src/client';
import { SEARCH_ATTRIBUTES } from '../../../src/contracts/names';
import { freePort } from '../../../src/stack/free-port';
import { findTemporalBinary } from '../../../src/stack/temporal-binary';
import { startTemporalServer } from '../../../src/stack/temporal-server';
import { startTestServer, type TestServer } from '../../support/temporal';

describe('the embedded Temporal server', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startTestServer();
  });

  afterAll(async () => {
    await server?.stop();
  });

  async function withClient<T>(use: (client: Client) => Promise<T>): Promise<T> {
    const connection = await Connection.connect({ address: server.address });
    try {
      return await use(new Client({ connection }));
    } finally {
      await connection.close();
    }
  }

  const start = (workflowId: string): Promise<unknown> =>
    withClient((client) =>
      client.workflow.start('nobodyRunsThis', {
        workflowId,
        taskQueue: 'nobody',
        searchAttributes: { CountersignStatus: ['submitted'], CountersignEmergency: [true] },
      }),
    );

  const statusOf = (workflowId: string): Promise<string> =>
    withClient(async (client) => (await client.workflow.getHandle(workflowId).describe()).status.name);

  it('knows the search attributes', async () => {
    const known = await withClient(({ connection }) =>
      (connection as Connection).operatorService.listSearchAttributes({ namespace: 'default' }),
    );
    expect(Object.keys(known.customAttributes)).toEqual(
      expect.arrayContaining(Object.keys(SEARCH_ATTRIBUTES)),
    );
  });

  it('is UNREACHABLE in a namespace that it does not have, and the message names it', async () => {
    const connection = await Connection.connect({ address: server.address });
    const client = new CountersignClient(new Client({ connection, namespace: 'nowhere' }), {
      address: server.address,
    });
    const message = `Temporal at ${server.address} has no namespace nowhere; check TEMPORAL_NAMESPACE`;
    await expect(client.get('dc933e65')).rejects.toMatchObject({ code: 'UNREACHABLE', message });
    await expect(client.list()).rejects.toMatchObject({ code: 'UNREACHABLE', message });
    await connection.close();
  });

  it.each([
    ['killed', (): Promise<void> => server.kill()],
    ['stopped', (): Promise<void> => server.halt()],
  ])('still has its workflows and attributes after it was %s', async (how, end) => {
    await start(`survivor-${how}`);
    await end();
    await server.restart();
    expect(await statusOf(`survivor-${how}`)).toBe('RUNNING');
    await start(`later-${how}`);
    expect(await statusOf(`later-${how}`)).toBe('RUNNING');
  });

  it('does not take another server on its port for its own', async () => {
    const { path: binary } = await findTemporalBinary();
    const port = Number(server.address.split(':')[1]);
    const second = startTemporalServer({ binary, stateDir: server.stateDir, port, readyWithinMs: 5_000 });
    await expect(second).rejects.toThrow(/^port \d+ for Temporal is in use/);
  });

  it('says why it did not start, with its last words', async () => {
    const options = { stateDir: server.stateDir, port: await freePort(), readyWithinMs: 5_000 };
    await expect(startTemporalServer({ ...options, binary: '/bin/cat' })).rejects.toThrow(
      /^the Temporal server did not start: exit code 1 \| .*cat: /,
    );
  });
});
