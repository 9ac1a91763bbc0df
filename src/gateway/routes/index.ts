import type { Caller } from '../auth/caller';
import type { Gateway } from '../gateway';
import { createApp, type GatewayApp, type GatewayContext } from '../http/app';
import { HttpProblem } from '../http/problem';
import { type AddRoutes, adder, authenticated } from './adder';
import { addApprovers } from './approvers';
import { addDecisions } from './decisions';
import { addEnrolment } from './enrolment';
import { addExecutions } from './executions';
import { addGithub } from './github';
import { addGitlab } from './gitlab';
import { addLogin } from './login';
import { addMattermost } from './mattermost';
import { addOpenRoutes } from './open';
import { addOwnRequests } from './own';
import { addRequests } from './requests';
import { addScim } from './scim';
import { addSlack } from './slack';
import { addSsh } from './ssh';
import { addToolChanges } from './tool-changes';

/** The endpoints of a gateway that only decides. */
const DECIDING: readonly AddRoutes[] = [addOpenRoutes, addDecisions];

/** Every endpoint. To add some, write a file beside this one and put its function into this list. */
const ROUTES: readonly AddRoutes[] = [
  addOpenRoutes,
  addDecisions,
  addRequests,
  addExecutions,
  addApprovers,
  addOwnRequests,
  addEnrolment,
  addLogin,
  addSsh,
  addToolChanges,
  addGithub,
  addGitlab,
  addSlack,
  addMattermost,
  addScim,
];

/** Adds routes from another room. `authenticated` recognises the caller exactly as for the gateway's own routes. */
export type Extension = (app: GatewayApp, authenticated: (c: GatewayContext) => Promise<Caller>) => void;

/** The whole HTTP surface. Each route is described once: the same schema parses its body and appears in the OpenAPI document. */
export function createRoutes(gateway: Gateway, ...extensions: readonly Extension[]): GatewayApp {
  const app = createApp(gateway.log, gateway.metrics, gateway.publicUrl);
  const add = adder(app, gateway);
  const { decidesOnly } = gateway.config;
  for (const addRoutes of decidesOnly ? DECIDING : ROUTES) addRoutes(add, gateway, app);
  for (const extend of extensions) extend(app, (c) => authenticated(gateway, c));
  app.all('*', (c) => {
    // What `ALL` handles is in front of every address, and none itself.
    const methods = app.routes.flatMap(({ method, path }) =>
      method !== 'ALL' && matches(path, c.req.path) ? [method] : [],
    );
    if (methods.length > 0)
      throw new HttpProblem(405, 'this method is not for this address', {
        headers: { Allow: [...new Set(methods)].sort().join(', ') },
      });
    return c.notFound();
  });
  return app;
}

const matches = (template: string, path: string): boolean =>
  new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/:\w+/g, '[^/]+')}$`).test(path);
