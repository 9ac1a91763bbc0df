import type { Gateway } from '../gateway';
import { createApp, type GatewayApp } from '../http/app';
import { HttpProblem } from '../http/problem';
import { adder, authenticated } from './adder';
import { addDecisions } from './decisions';
import { addApprovers, addExecutions } from './executions';
import type { Extension } from './extension';
import { addOpenRoutes } from './open';
import { addOwnRequests } from './own';
import { addRequests } from './requests';

/** The whole surface. Each route is described once; the same schema decodes its body and stands in the OpenAPI document. */
export function createRoutes(gateway: Gateway, extension?: Extension): GatewayApp {
  const app = createApp(gateway.log, gateway.metrics);
  const add = adder(app, gateway);
  addOpenRoutes(app, add, gateway);
  addDecisions(add, gateway);
  addRequests(add, gateway);
  addExecutions(add, gateway);
  addApprovers(add, gateway);
  addOwnRequests(add, gateway);
  extension?.(app, (c) => authenticated(gateway, c));
  app.all('*', (c) => {
    const known = app.openAPIRegistry.definitions.some(
      (one) => one.type === 'route' && matches(one.route.path, c.req.path),
    );
    if (known) throw new HttpProblem(405, 'this method is not for this address');
    return c.notFound();
  });
  return app;
}

const matches = (template: string, path: string): boolean =>
  new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '[^/]+')}$`).test(path);
