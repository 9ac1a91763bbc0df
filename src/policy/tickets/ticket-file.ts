import { z } from 'zod';
import { foreignName, identifier, principalId } from '../../contracts/request';
import { isPrivateOnTheWay } from '../../outbound/inner-address';

const address = z
  .url({ protocol: /^https?$/, error: 'must be an address such as https://example.atlassian.net' })
  .max(300)
  .refine(isPrivateOnTheWay, 'must be https:// unless it is on this machine')
  .refine((url) => {
    const { username, password, search, hash } = new URL(url);
    return username + password + search + hash === '';
  }, 'must have no user, password, query or fragment in it');

const common = {
  url: address.describe('address of the ticket system; of GitHub, that of its API'),
  tokenFile: z.string().min(1).max(1_000).describe('file that holds the token or password'),
  people: z
    .record(foreignName, principalId)
    .default({})
    .describe('who the people of the ticket system are in the directory, by their id there'),
  peopleBy: z
    .enum(['login', 'email'])
    .exactOptional()
    .describe('everybody else is the `person/` that the rule of sources.yaml makes of this'),
};
const user = foreignName.describe('user of Basic authentication; without it the token is sent as Bearer');

/** A JSON Pointer (RFC 6901) into the answer. */
const pointer = z
  .string()
  .max(200)
  .regex(/^(?:\/(?:[^/~]|~[01])*)+$/, 'must be a JSON Pointer such as /status/name');

const jira = z.strictObject({
  kind: z.literal('jira').describe('Jira Cloud or Data Center, by its REST API'),
  ...common,
  user: user.exactOptional(),
});
const github = z.strictObject({
  kind: z.literal('github').describe('issues of GitHub, written `owner/repository#17`'),
  ...common,
  url: common.url.default('https://api.github.com'),
});
const servicenow = z.strictObject({
  kind: z
    .literal('servicenow')
    .describe('ServiceNow, by its Table API; the project is the class, such as `incident`'),
  ...common,
  user: user.exactOptional(),
  table: identifier.default('task').describe('table that is asked'),
  closedStates: z
    .array(z.string().min(1).max(20))
    .max(20)
    .default(['6', '7', '8'])
    .describe('values of `state` that are not open although the record is active'),
});
const http = z.strictObject({
  kind: z.literal('http').describe('any service that answers a GET of one ticket with JSON'),
  ...common,
  user: user.exactOptional(),
  path: z
    .string()
    .max(300)
    .regex(/^\/[^?#\s{}]*\{ticket\}[^?#\s{}]*$/, 'must be a path with {ticket} in it')
    .describe('path of a ticket, such as `/api/tickets/{ticket}`'),
  id: pointer.describe('where the answer has the reference itself, which is compared'),
  project: pointer.describe('where it has the project'),
  status: pointer.describe('where it has the status'),
  openStatus: z
    .array(foreignName)
    .min(1)
    .max(50)
    .describe('values of status that are open; every other one is not'),
  assignee: pointer.exactOptional().describe('where it has who the ticket is assigned to'),
  reporter: pointer.exactOptional().describe('where it has who opened it'),
});

/** The address of a ticket system, in the file that COUNTERSIGN_TICKETS names. */
export const ticketSystemSchema = z.discriminatedUnion('kind', [jira, github, servicenow, http]);
export type TicketSystem = z.output<typeof ticketSystemSchema>;
export type SystemOf<Kind extends TicketSystem['kind']> = Extract<TicketSystem, { kind: Kind }>;

export const ticketListSchema = z.array(z.string());
/** The file that COUNTERSIGN_TICKETS names: a list of references, or the address of a ticket system. */
export const ticketFileSchema = z.union([ticketListSchema, ticketSystemSchema]);
