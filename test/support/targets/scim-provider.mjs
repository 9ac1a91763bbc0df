// A SCIM 2.0 provider made with scimmy: users and groups in memory. `node scim-provider.mjs PORT TOKEN USER… -- GROUP…`
import { randomUUID } from 'node:crypto';
import express from 'express';
import SCIMMY from 'scimmy';
import SCIMMYRouters from 'scimmy-routers';

const [port, token, ...names] = process.argv.slice(2);
const split = names.indexOf('--');
const meta = () => ({ created: new Date(), lastModified: new Date() });
const store = (rows) => new Map(rows.map((row) => [row.id, row]));
const users = store(
  names.slice(0, split).map((userName) => ({
    id: randomUUID(),
    userName: userName.replace(/^off:/, ''),
    active: !userName.startsWith('off:'),
    meta: meta(),
  })),
);
const groups = store(
  names.slice(split + 1).map((displayName) => ({ id: randomUUID(), displayName, members: [], meta: meta() })),
);

const declare = (type, rows) =>
  SCIMMY.Resources.declare(type, {
    egress: (resource) => {
      if (resource.id) {
        const row = rows.get(resource.id);
        if (row === undefined) throw new SCIMMY.Types.Error(404, null, `there is no ${resource.id}`);
        return row;
      }
      const all = [...rows.values()];
      return resource.filter ? resource.filter.match(all) : all;
    },
    ingress: (resource, data) => {
      const id = resource.id ?? randomUUID();
      const row = { ...rows.get(id), ...data, id, meta: meta() };
      rows.set(id, row);
      return row;
    },
    degress: (resource) => {
      rows.delete(resource.id);
    },
  });
declare(SCIMMY.Resources.User, users);
declare(SCIMMY.Resources.Group, groups);

const app = express();
const mayOnlyRead = `Bearer ${token}-to-read`;
app.use('/scim/v2', (request, response, next) => {
  if (request.method === 'GET' || request.header('authorization') !== mayOnlyRead) return next();
  return response.status(403).json({ status: '403', detail: 'this token may only read' });
});
app.use(
  '/scim/v2',
  new SCIMMYRouters({
    type: 'bearer',
    handler: (request) => {
      const known = [`Bearer ${token}`, mayOnlyRead];
      if (!known.includes(request.header('authorization'))) throw new Error('this token is not known');
      return 'countersign';
    },
  }),
);
app.listen(Number(port), '127.0.0.1', () => process.stdout.write('ready\n'));
