import { z } from 'zod';
import type { GatewayContext } from '../../gateway/http/app';
import { HttpProblem } from '../../gateway/http/problem';
import { idOf } from '../../gateway/routes/adder';
import type { Live } from '../live';
import type { PageRoutes } from '../page-routes';
import type { PageService } from '../page-service';
import { refuseAllButGovernors, type Visitor } from '../sessions';

const seenSchema = z.string().regex(/^[\w-]{0,64}$/);

/** Adds where open pages hear that they are out of date. */
export function addLive(routes: PageRoutes, service: PageService, live: Live): void {
  const add = (path: string, look: (c: GatewayContext, visitor: Visitor) => Promise<() => Promise<string>>) =>
    routes.guarded('GET', path, async (c, visitor) => {
      const seen = seenSchema.safeParse(c.req.query('seen') ?? '');
      if (!seen.success) throw new HttpProblem(400, 'seen is what the page was made from');
      return live.open(c, {
        person: visitor.person,
        seen: seen.data,
        look: await look(c, visitor),
        mayGoOn: async () => (await routes.visitor(c)) !== undefined,
      });
    });
  add('/live', async (_c, visitor) => () => service.hintOfAwaiting(visitor));
  add('/live/friction', async (_c, visitor) => {
    refuseAllButGovernors(visitor);
    return async () => String(service.friction.countedAtMs);
  });
  add('/live/requests/:id', async (c, visitor) => {
    const { request } = await service.read(visitor, idOf(c));
    return () => service.hintOf(request.id);
  });
}
