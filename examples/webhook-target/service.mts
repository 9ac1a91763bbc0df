// A service that Countersign gives access through: `kind: webhook`. It keeps who is in which group in memory; put your own
// system in the place of `held`. Run it with WEBHOOK_SECRET, ACCOUNTS and GROUPS (names with commas between) and PORT.
import { createServer, type IncomingMessage } from 'node:http';
import { Webhook } from 'standardwebhooks';

interface Held {
  readonly account: string;
  readonly grant: { readonly group: string };
  readonly leaseId: string;
}

const env = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`set ${name}`);
  return value;
};
const webhook = new Webhook(env('WEBHOOK_SECRET'));
const accounts = env('ACCOUNTS').split(',');
const groups = env('GROUPS').split(',');
const LONGEST_BODY = 64 * 1024;

/** What the service holds, by the id of the lease. */
const held = new Map<string, Held>();

const isHeld = (account: string, group: string): boolean =>
  [...held.values()].some((one) => one.account === account && one.grant.group === group);

/** Returns why an account cannot be given a group, or undefined. */
function refusalOf(account: string, group: string): string | undefined {
  if (!groups.includes(group)) return `there is no group ${group}`;
  if (!accounts.includes(account)) return `there is nobody called ${account}`;
  return undefined;
}

// biome-ignore lint/suspicious/noExplicitAny: the message was signed by Countersign, which sends what the contract has
function answer(message: any): { readonly status: number; readonly body: object } {
  const { type, leaseId, account, grant } = message;
  switch (type) {
    case 'access.check': {
      const refused = refusalOf(account, grant.group);
      return { status: 200, body: { held: isHeld(account, grant.group), ...(refused && { refused }) } };
    }
    case 'access.give': {
      const error = refusalOf(account, grant.group);
      if (error !== undefined) return { status: 422, body: { error } };
      // Giving the same lease again changes nothing.
      held.set(leaseId, { account, grant: { group: grant.group }, leaseId });
      return { status: 200, body: {} };
    }
    case 'access.take':
      // Taking what is not there is fine: it is gone.
      held.delete(leaseId);
      return { status: 200, body: {} };
    case 'access.list': {
      const asked = message.grants.map(({ group }: { group: string }) => group);
      return {
        status: 200,
        body: { access: [...held.values()].filter((one) => asked.includes(one.grant.group)) },
      };
    }
    default:
      return { status: 400, body: { error: `this service does not know ${type}` } };
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > LONGEST_BODY) throw new Error('the message is too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const server = createServer(async (request, response) => {
  const reply = (status: number, body: object) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  let message: unknown;
  try {
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    // Verify before anything else: without the signature, anyone could give access.
    message = webhook.verify(await bodyOf(request), headers);
  } catch {
    return reply(401, { error: 'the signature is wrong' });
  }
  const { status, body } = answer(message);
  return reply(status, body);
});
server.listen(Number(env('PORT')), '127.0.0.1', () => console.log('ready'));
