import { z } from 'zod';
import { principalOf } from '../../directory/sources/principal-name';
import type { PrincipalId } from '../../domain/principal';
import type { Ticket } from './ticket';
import type { SystemOf, TicketSystem } from './ticket-file';

/** What a ticket system said of a ticket: it has it, it has none of that name (with the reason), or what it said is not its protocol. */
export type Read = { readonly ticket: Ticket } | { readonly missing: string } | { readonly odd: string };

/** How to ask one kind of ticket system. */
export interface Asking {
  /** Path and query that ask for a ticket. Undefined if no ticket of this system can have that reference. */
  readonly pathOf: (reference: string) => string | undefined;
  /** Reads a JSON answer with status 200. */
  readonly read: (body: unknown, reference: string) => Read;
  /** Path that answers 200 to anyone who may look up tickets. Undefined if the system has none, so that only reach can be checked. */
  readonly probe?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const NONE = 'the ticket system has no such ticket';
const OTHER = {
  missing: 'the ticket system has another ticket under that name; name the ticket as it is called now',
};
const UNREADABLE = 'it answered with something that is no ticket of its kind';
const MOST_PEOPLE = 100;

/** Returns how to ask a ticket system. */
export function askingOf(system: TicketSystem): Asking {
  switch (system.kind) {
    case 'jira':
      return jira(system);
    case 'github':
      return github(system);
    case 'servicenow':
      return serviceNow(system);
    case 'http':
      return anyHttp(system);
  }
}

const text = z.string().min(1).max(1_000);
/** Jira Cloud has `accountId`, and an address only where its owner shows it. Jira Data Center has `name`. */
const jiraUser = z
  .object({ accountId: text.optional(), name: text.optional(), emailAddress: text.optional() })
  .nullish();
const jiraIssue = z.object({
  key: text,
  fields: z.object({
    status: z.object({ statusCategory: z.object({ key: text }) }),
    project: z.object({ key: text }),
    assignee: jiraUser,
    reporter: jiraUser,
  }),
});

/** The categories of status that are not `done`. One that is not known is not open. */
const JIRA_OPEN = ['new', 'indeterminate'];

function jira(system: SystemOf<'jira'>): Asking {
  const person = (user: z.output<typeof jiraUser>) =>
    personOf(system, { id: user?.accountId ?? user?.name, login: user?.name, email: user?.emailAddress });
  return {
    pathOf: (key) =>
      /^[A-Z][A-Z0-9_]{0,99}-\d{1,12}$/.test(key)
        ? `/rest/api/2/issue/${key}?fields=status,project,assignee,reporter`
        : undefined,
    probe: '/rest/api/2/myself',
    read: (body, key) => {
      const issue = jiraIssue.safeParse(body);
      if (!issue.success) return { odd: UNREADABLE };
      const { status, project, assignee, reporter } = issue.data.fields;
      // Jira answers for an issue that was moved with the issue that it became.
      if (issue.data.key !== key) return OTHER;
      return ticketOf({
        project: project.key,
        isOpen: JIRA_OPEN.includes(status.statusCategory.key),
        assignees: [person(assignee)],
        reporter: person(reporter),
      });
    },
  };
}

const githubUser = z.object({ id: z.int(), login: text });
const githubIssue = z.object({
  number: z.int(),
  state: z.string(),
  repository_url: text,
  user: githubUser.nullable(),
  assignees: z.array(githubUser).max(MOST_PEOPLE).nullish(),
  pull_request: z.unknown().optional(),
});
const GITHUB_REFERENCE = /^([A-Za-z0-9][A-Za-z0-9-]{0,38}\/[\w.-]{1,100})#([1-9]\d{0,9})$/;

function github(system: SystemOf<'github'>): Asking {
  const person = (user: z.output<typeof githubUser> | null) =>
    user === null ? undefined : personOf(system, { id: `${user.id}`, login: user.login });
  return {
    pathOf: (reference) => {
      const [, repository = '', number] = GITHUB_REFERENCE.exec(reference) ?? [];
      const isStep = /\/\.{1,2}$/.test(repository);
      return number === undefined || isStep ? undefined : `/repos/${repository}/issues/${number}`;
    },
    probe: '/rate_limit',
    headers: { accept: 'application/vnd.github+json', 'x-github-api-version': '2022-11-28' },
    read: (body, reference) => {
      const issue = githubIssue.safeParse(body);
      if (!issue.success) return { odd: UNREADABLE };
      const { number, state, repository_url: url, user, assignees, pull_request: pull } = issue.data;
      const [, repository = ''] = /\/repos\/([^/]+\/[^/]+)$/.exec(url) ?? [];
      if (`${repository}#${number}` !== reference) return OTHER;
      // A pull request is an issue to GitHub, and no ticket.
      if (pull !== undefined) return { missing: 'it is a pull request, and no ticket' };
      return ticketOf({
        project: repository,
        isOpen: state === 'open',
        assignees: (assignees ?? []).map(person),
        reporter: person(user),
      });
    },
  };
}

/** The Table API answers each requested field as a text, references as what `.user_name` leads to. */
const record = z.object({
  number: z.string(),
  active: z.string(),
  state: z.string(),
  sys_class_name: z.string(),
  'assigned_to.user_name': z.string().default(''),
  'assigned_to.email': z.string().default(''),
  'opened_by.user_name': z.string().default(''),
  'opened_by.email': z.string().default(''),
});
const records = z.object({ result: z.array(record).max(2) });

function serviceNow(system: SystemOf<'servicenow'>): Asking {
  const fields = Object.keys(record.shape).join(',');
  const path = `/api/now/table/${encodeURIComponent(system.table)}?`;
  const person = (login: string, email: string) => personOf(system, { id: login, login, email });
  return {
    // The query language has operators, which no number of a record has in it.
    pathOf: (number) =>
      /^[A-Z]{2,20}\d{1,20}$/.test(number)
        ? `${path}${new URLSearchParams({
            sysparm_query: `number=${number}`,
            sysparm_fields: fields,
            sysparm_limit: '2',
            sysparm_display_value: 'false',
            sysparm_exclude_reference_link: 'true',
          })}`
        : undefined,
    probe: `${path}sysparm_limit=1&sysparm_fields=number`,
    read: (body, number) => {
      const answer = records.safeParse(body);
      if (!answer.success) return { odd: UNREADABLE };
      const [one, ...others] = answer.data.result;
      if (one === undefined) return { missing: NONE };
      // An instance ignores the part of a query that it takes for invalid, and then answers with whatever there is.
      if (others.length > 0 || one.number !== number) return OTHER;
      return ticketOf({
        project: one.sys_class_name,
        isOpen: one.active === 'true' && !system.closedStates.includes(one.state),
        assignees: [person(one['assigned_to.user_name'], one['assigned_to.email'])],
        reporter: person(one['opened_by.user_name'], one['opened_by.email']),
      });
    },
  };
}

function anyHttp(system: SystemOf<'http'>): Asking {
  const person = (body: unknown, pointer: string | undefined) => {
    const id = pointer === undefined ? undefined : textAt(body, pointer);
    return personOf(system, { id, login: id, email: id });
  };
  return {
    pathOf: (reference) =>
      /^[\w.#:-]{1,200}$/.test(reference) && !/^\.+$/.test(reference)
        ? system.path.replaceAll('{ticket}', encodeURIComponent(reference))
        : undefined,
    read: (body, reference) => {
      const [id, project, status] = [system.id, system.project, system.status].map((at) => textAt(body, at));
      if (id === undefined || project === undefined || status === undefined) return { odd: UNREADABLE };
      if (id !== reference) return OTHER;
      return ticketOf({
        project,
        isOpen: system.openStatus.includes(status),
        assignees: [person(body, system.assignee)],
        reporter: person(body, system.reporter),
      });
    },
  };
}

interface Found {
  readonly project: string;
  readonly isOpen: boolean;
  readonly assignees: readonly (PrincipalId | undefined)[];
  readonly reporter: PrincipalId | undefined;
}

const ticketOf = ({ project, isOpen, assignees, reporter }: Found): Read => ({
  ticket: {
    project,
    isOpen,
    assignees: assignees.filter((id) => id !== undefined),
    ...(reporter !== undefined && { reporter }),
  },
});

/** Returns who somebody of the ticket system is in the directory. Undefined if the file does not say it. */
function personOf(
  { people, peopleBy }: TicketSystem,
  who: {
    readonly id?: string | undefined;
    readonly login?: string | undefined;
    readonly email?: string | undefined;
  },
): PrincipalId | undefined {
  if (who.id !== undefined && Object.hasOwn(people, who.id)) return people[who.id];
  const name = peopleBy === undefined ? undefined : who[peopleBy];
  return name === undefined || name === '' ? undefined : principalOf(name);
}

/** Returns the text at a JSON Pointer (RFC 6901), through own members alone. */
function textAt(body: unknown, pointer: string): string | undefined {
  let at = body;
  for (const step of pointer.slice(1).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = Reflect.get(at, name);
  }
  return typeof at === 'string' && at.length <= 1_000 ? at : undefined;
}
