import type { Answer } from '../support/http';
import { admin, alice, archived, bob, context, read, record1, record2, write } from './certification-fixture';

type Post = (address: string, body: unknown) => Promise<Answer>;

/** The part "Search" of the certification scenario. It shares the gateway of whoever calls this. */
export function searchCases(ground: () => { readonly post: Post }): void {
  let post: Post;
  beforeAll(() => {
    ({ post } = ground());
  });
  const evaluate = (body: unknown) => post('/access/v1/evaluation', body);

  describe('c-4 Search', () => {
    const subjects = (body: unknown) => post('/access/v1/search/subject', body);
    const resources = (body: unknown) => post('/access/v1/search/resource', body);
    const actions = (body: unknown) => post('/access/v1/search/action', body);
    const readers = { subject: { type: 'user' }, action: read, resource: record1 };
    const readable = { subject: alice, action: read, resource: { type: 'record' } };
    const possible = { subject: alice, resource: record1 };

    it('c-4-2 subjects', async () => {
      const answer = await subjects(readers);
      expect(answer.json.results).toEqual([alice, bob]);
      expect((await subjects({ ...readers, context })).json).toEqual(answer.json);
      expect((await subjects({ ...readers, subject: alice })).json).toEqual(answer.json);
      const writers = await subjects({ subject: { type: 'user' }, action: write, resource: archived });
      expect(writers.json.results).toContainEqual(bob);
    });

    it('c-4-3 resources', async () => {
      const answer = await resources(readable);
      expect(answer.json.results).toContainEqual(record1);
      expect((await resources({ ...readable, context })).json).toEqual(answer.json);
      expect((await resources({ ...readable, resource: record1 })).json).toEqual(answer.json);
      const writable = await resources({ subject: admin, action: write, resource: { type: 'record' } });
      expect(writable.json.results).toContainEqual(record2);
    });

    it('c-4-4 actions', async () => {
      const answer = await actions(possible);
      expect(answer.json.results).toEqual(expect.arrayContaining([read, write]));
      expect((await actions({ ...possible, context })).json).toEqual(answer.json);
      expect((await actions({ subject: admin, resource: archived })).json.results).toContainEqual(write);
    });

    it('c-4-5 pages', async () => {
      const first = await subjects({ ...readers, page: { limit: 1 } });
      expect(first.json).toMatchObject({ results: [alice], page: { count: 1, total: 2 } });
      expect(Object.keys(first.json)).toEqual(['page', 'results']);
      const token = first.json.page.next_token;
      expect(token).toMatch(/.+/);
      const second = await subjects({ ...readers, page: { token } });
      expect(second.json).toMatchObject({ results: [bob], page: { next_token: '' } });
      expect((await subjects({ ...readers, action: write, page: { token } })).status).toBe(400);
      expect((await subjects({ ...readers, page: { token, limit: 2 } })).status).toBe(400);
      expect((await subjects({ ...readers, page: { token: 'made-up' } })).status).toBe(400);
    });

    it('what is found is permitted when it is evaluated (AuthZEN "Search, semantics")', async () => {
      for (const { id } of (await subjects(readers)).json.results)
        expect((await evaluate({ ...readers, subject: { type: 'user', id } })).json.decision).toBe(true);
      for (const found of (await resources(readable)).json.results)
        expect((await evaluate({ ...readable, resource: found })).json.decision).toBe(true);
      for (const found of (await actions({ subject: admin, resource: archived })).json.results)
        expect((await evaluate({ subject: admin, action: found, resource: archived })).json.decision).toBe(
          true,
        );
    });

    it('c-4-6 what is not known is not found', async () => {
      const nobody = { type: 'user', id: 'nonexistent-user' };
      expect((await actions({ subject: nobody, resource: record1 })).json).toEqual({ results: [] });
      expect((await subjects({ ...readers, subject: { type: 'spaceship' } })).json).toEqual({ results: [] });
      expect((await resources({ ...readable, subject: nobody })).json).toEqual({ results: [] });
      expect((await resources({ ...readable, resource: { type: 'spaceship' } })).json).toEqual({
        results: [],
      });
      const unknown = { type: 'record', id: 'nonexistent' };
      expect((await subjects({ ...readers, resource: unknown })).json).toEqual({ results: [] });
      expect((await actions({ subject: alice, resource: unknown })).json).toEqual({ results: [] });
    });

    it('c-4-7 what is missing is a 400', async () => {
      const input = { subject: { type: 'user' }, action: read, resource: { type: 'record' } };
      for (const answer of [
        await subjects({ subject: { type: 'user' }, resource: record1 }),
        await resources({ action: read, resource: { type: 'record' } }),
        await actions({ subject: alice }),
        await subjects(input),
        await resources(input),
        await actions({ subject: { type: 'user' }, resource: record1 }),
      ])
        expect(answer.status).toBe(400);
    });
  });
}
