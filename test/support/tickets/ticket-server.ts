import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import Ajv from 'ajv';
import { z } from 'zod';

/* Ticket systems on this machine that answer by the schemas that their vendors publish (test/fixtures/tickets/api.json says which). */

const operation = z.object({ response: z.record(z.string(), z.unknown()) });
const api = z
  .object({ jira: operation, github: operation, servicenow: operation })
  .parse(JSON.parse(readFileSync(path.resolve(__dirname, '../../fixtures/tickets/api.json'), 'utf8')));
const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
const valid = {
  jira: ajv.compile(api.jira.response),
  github: ajv.compile(api.github.response),
  servicenow: ajv.compile(api.servicenow.response),
};

export type Vendor = keyof typeof valid;

/** A ticket, in words that every system has its own for. */
export interface StoredTicket {
  readonly project: string;
  readonly open: boolean;
  /** Logins. */
  readonly assignee?: string;
  readonly reporter: string;
  /** GitHub: it is a pull request. Jira: the key that the issue has now. */
  readonly pull?: true;
  readonly movedTo?: string;
  /** ServiceNow: its state. Jira: the category of its status. */
  readonly state?: string;
}

/** What a server does in place of answering. Undefined lets it answer. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A ticket system by HTTP. */
export class TicketServer {
  readonly tickets = new Map<string, StoredTicket>();
  /** Paths that were asked for, with their query. */
  readonly asked: string[] = [];
  readonly authorizations = new Set<string>();
  misbehave: Misbehaviour = () => false;
  token = 'Bearer t0ken';

  private constructor(
    private readonly vendor: Vendor,
    private readonly server: ReturnType<typeof createServer>,
  ) {}

  static async start(vendor: Vendor, port = 0): Promise<TicketServer> {
    const http = createServer();
    const server = new TicketServer(vendor, http);
    http.on('request', (request, response) => server.#answer(request, response));
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    const address: AddressInfo | string | null = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('the server is closed');
    return address.port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { url = '', headers } = request;
    this.asked.push(url);
    this.authorizations.add(headers.authorization ?? '');
    if (this.misbehave(request, response)) return;
    const say = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
      response.end(JSON.stringify(body));
    };
    if (headers.authorization !== this.token) {
      say(401, { message: 'Bad credentials' });
      return;
    }
    const at = new URL(url, this.url);
    const read = { jira: this.#jira, github: this.#github, servicenow: this.#serviceNow }[this.vendor](at);
    if (read === 'probe') say(200, {});
    else if (read === undefined) say(404, { message: 'Not Found' });
    else if (valid[this.vendor](read)) say(200, read);
    else throw new Error(ajv.errorsText(valid[this.vendor].errors));
  }

  readonly #jira = ({ pathname }: URL): unknown => {
    if (pathname === '/rest/api/2/myself') return 'probe';
    const [, key = ''] = /^\/rest\/api\/2\/issue\/([^/]+)$/.exec(pathname) ?? [];
    const ticket = this.tickets.get(key);
    if (ticket === undefined) return undefined;
    const user = (name: string) => ({
      self: `${this.url}/rest/api/2/user?accountId=acc-${name}`,
      accountId: `acc-${name}`,
      emailAddress: `${name}@example.com`,
      displayName: name,
      active: true,
      timeZone: 'Etc/UTC',
      accountType: 'atlassian',
    });
    const category = ticket.state ?? (ticket.open ? 'indeterminate' : 'done');
    return {
      expand: 'renderedFields,names',
      id: '10002',
      self: `${this.url}/rest/api/2/issue/10002`,
      key: ticket.movedTo ?? key,
      fields: {
        status: {
          self: `${this.url}/rest/api/2/status/3`,
          description: '',
          iconUrl: '',
          name: 'In Progress',
          id: '3',
          statusCategory: { self: '', id: 4, key: category, colorName: 'yellow', name: 'In Progress' },
        },
        project: { id: '10000', key: ticket.project, name: ticket.project, self: '', simplified: false },
        assignee: ticket.assignee === undefined ? null : user(ticket.assignee),
        reporter: user(ticket.reporter),
      },
    };
  };

  readonly #github = ({ pathname }: URL): unknown => {
    if (pathname === '/rate_limit') return 'probe';
    const [, repository = '', number = ''] = /^\/repos\/([^/]+\/[^/]+)\/issues\/(\d+)$/.exec(pathname) ?? [];
    const ticket = this.tickets.get(`${repository}#${number}`);
    if (ticket === undefined) return undefined;
    const user = (login: string) => ({ login, id: login.length, type: 'User' });
    return {
      id: 1,
      node_id: 'I_1',
      url: `${this.url}/repos/${repository}/issues/${number}`,
      repository_url: `${this.url}/repos/${ticket.movedTo ?? repository}`,
      number: Number(number),
      state: ticket.open ? 'open' : 'closed',
      title: 'A ticket',
      user: user(ticket.reporter),
      assignee: ticket.assignee === undefined ? null : user(ticket.assignee),
      assignees: ticket.assignee === undefined ? [] : [user(ticket.assignee)],
      ...(ticket.pull && { pull_request: { url: '', html_url: '', diff_url: '', patch_url: '' } }),
    };
  };

  readonly #serviceNow = ({ pathname, searchParams }: URL): unknown => {
    if (!/^\/api\/now\/table\/[a-z_]+$/.test(pathname)) return undefined;
    const [, number = ''] = /^number=([^^]*)$/.exec(searchParams.get('sysparm_query') ?? '') ?? [];
    const ticket = this.tickets.get(number);
    if (ticket === undefined) return { result: [] };
    const all: Readonly<Record<string, string>> = {
      number: ticket.movedTo ?? number,
      active: `${ticket.open}`,
      state: ticket.state ?? '2',
      sys_class_name: ticket.project,
      'assigned_to.user_name': ticket.assignee ?? '',
      'assigned_to.email': ticket.assignee === undefined ? '' : `${ticket.assignee}@example.com`,
      'opened_by.user_name': ticket.reporter,
      'opened_by.email': `${ticket.reporter}@example.com`,
    };
    const fields = (searchParams.get('sysparm_fields') ?? '').split(',');
    // An empty reference has no members, so the Table API leaves out what dot-walks through it.
    const shown = fields.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]] as const]));
    return { result: [Object.fromEntries(shown)] };
  };
}
