import { newSubmissionSchema, webauthnEnvelopeSchema } from '../../contracts/request';
import type { GatewayContext } from '../../gateway/http/app';
import { readBody, readForm } from '../../gateway/http/body';
import { HttpProblem } from '../../gateway/http/problem';
import { idOf } from '../../gateway/routes/adder';
import type { PageRoutes } from '../page-routes';
import type { PageService } from '../page-service';
import { PAGES } from '../pages';
import { refuseAllButGovernors, type Visitor } from '../sessions';

/** Adds every page of `PAGES`, and what their forms send. */
export function addPages(routes: PageRoutes, service: PageService): void {
  const visit = (c: GatewayContext, visitor: Visitor) => ({
    ...{ c, visitor, service, nowMs: routes.gateway.nowMs() },
  });
  for (const { path, form, render } of PAGES) {
    routes.get(path, (c, visitor) => render(visit(c, visitor)));
    if (form === true)
      routes.guarded('POST', path, async (c, visitor) => {
        const view = await render({ ...visit(c, visitor), form: await readForm(c) });
        return routes.show(c, view, visitor);
      });
  }
  routes.guarded('GET', '/audit/:id/evidence', async (c, visitor) => {
    refuseAllButGovernors(visitor);
    if (service.evidence === undefined) throw new HttpProblem(404, 'these pages give out no evidence');
    return service.evidence.download(c, idOf(c));
  });
  routes.guarded('POST', '/ask/submit', async (c, visitor) => {
    const id = await service.submit(visitor, await readBody(c, newSubmissionSchema));
    return c.json({ page: `/requests/${id}` });
  });
  routes.guarded('POST', '/requests/:id/statements', async (c, visitor) =>
    c.json(await service.carry(visitor, idOf(c), await readBody(c, webauthnEnvelopeSchema))),
  );
}
