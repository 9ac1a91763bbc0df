import { OpenAPIHono } from '@hono/zod-openapi';
import type { GatewayApp } from '../../../src/gateway/http/app';
import { HttpProblem } from '../../../src/gateway/http/problem';
import { EvidenceDownloads, type MadeEvidence, type MakeEvidence } from '../../../src/web/evidence';

function serving(make: MakeEvidence) {
  const downloads = new EvidenceDownloads(make);
  const app: GatewayApp = new OpenAPIHono();
  app.get('/:id', (c) => downloads.download(c, c.req.param('id')));
  app.onError((error, c) =>
    error instanceof HttpProblem ? c.text(error.detail, { status: error.status }) : c.text('', 500),
  );
  return (id: string) => Promise.resolve(app.request(`/${id}`));
}

describe('AUD-3 evidence to download', () => {
  test('is a file, or says why there is none', async () => {
    const get = serving(async (id): Promise<MadeEvidence | undefined> => {
      if (id === 'none') return undefined;
      return id === 'gaps' ? { made: false, why: 'it would be incomplete' } : { made: true, text: '{}\n' };
    });
    const answer = await get('request-0001');
    expect([answer.status, await answer.text()]).toEqual([200, '{}\n']);
    expect(answer.headers.get('content-disposition')).toBe(
      'attachment; filename="evidence-request-0001.json"',
    );
    expect((await get('none')).status).toBe(404);
    const refused = await get('gaps');
    expect([refused.status, await refused.text()]).toEqual([409, 'it would be incomplete']);
  });

  test('is made one at a time, and a few wait; after a failure the next is served', async () => {
    let atOnce = 0;
    let most = 0;
    const get = serving(async (id) => {
      atOnce += 1;
      most = Math.max(most, atOnce);
      await new Promise((resolve) => setTimeout(resolve, 5));
      atOnce -= 1;
      if (id === 'fails') throw new Error('no server');
      return { made: true, text: '{}' };
    });
    const answers = await Promise.all(
      ['fails', ...Array.from({ length: 11 }, (_, at) => `request-${at}`)].map(get),
    );
    expect(most).toBe(1);
    expect(answers.map(({ status }) => status).sort()).toEqual([
      ...Array(7).fill(200),
      ...Array(4).fill(429),
      500,
    ]);
    expect((await get('later')).status).toBe(200);
  });
});
