import { z } from 'zod';
import type { Groups } from '../group-membership';
import { callJson, type JsonAnswer, type JsonCall, oddAnswer, refusalBy } from '../json-http';

export interface KeycloakSettings {
  readonly url: string;
  readonly realm: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

const WHO = 'Keycloak';
const PAGE = 500;
/** More members than this are an error rather than half a list. */
const MOST_MEMBERS = 100_000;
/** A token is renewed this long before it ends. */
const EARLIER_MS = 10_000;

const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });
const idAnswer = z.object({ id: z.string().min(1) });
const usersAnswer = z.array(z.object({ id: z.string().min(1), username: z.string(), enabled: z.boolean() }));
const userAnswer = z.object({
  id: z.string().min(1),
  username: z.string(),
  enabled: z.boolean(),
  firstName: z.string().optional(),
  lastName: z.string().optional(),
  attributes: z.record(z.string(), z.array(z.string())).default({}),
});
export type KeycloakUser = z.output<typeof userAnswer>;
const words = z.object({
  error_description: z.string().optional(),
  errorMessage: z.string().optional(),
  error: z.string().optional(),
});

/** Groups of a realm by the admin API of Keycloak, as the service account of a client. */
export class KeycloakRealm implements Groups {
  #token: { readonly text: string; readonly untilMs: number } | undefined;

  constructor(private readonly settings: KeycloakSettings) {}

  /** Signs in. @throws TargetUnavailable in Keycloak's words */
  async signIn(): Promise<void> {
    await this.#bearer();
  }

  async findGroup(path: string): Promise<string | undefined> {
    const steps = path.replace(/^\//, '').split('/').map(encodeURIComponent).join('/');
    return (await this.#read(`/group-by-path/${steps}`, idAnswer))?.id;
  }

  async findAccount(name: string) {
    const query = new URLSearchParams({ username: name, exact: 'true', briefRepresentation: 'true' });
    const users = (await this.#read(`/users?${query}`, usersAnswer)) ?? [];
    const user = users.find(({ username }) => username.toLowerCase() === name.toLowerCase());
    if (user === undefined)
      return { refused: `there is no user ${name} in the realm, or the connector may not see them` };
    return user.enabled ? { id: user.id } : { refused: `the user ${name} is disabled` };
  }

  async isMember(group: string, account: string): Promise<boolean> {
    for await (const { id } of this.#pages(`/users/${account}/groups`, idAnswer))
      if (id === group) return true;
    return false;
  }

  async add(group: string, account: string): Promise<void> {
    await this.#change('PUT', group, account);
  }

  async remove(group: string, account: string): Promise<void> {
    await this.#change('DELETE', group, account);
  }

  /** Yields every user of the realm, with attributes. */
  users(): AsyncGenerator<KeycloakUser> {
    return this.#pages('/users', userAnswer, 'false');
  }

  /** Yields the ids of the members that a group has by itself. */
  async *memberIds(group: string): AsyncGenerator<string> {
    for await (const { id } of this.#pages(`/groups/${group}/members`, idAnswer)) yield id;
  }

  /** Yields the groups that lie in a group. */
  subgroups(group: string): AsyncGenerator<{ readonly id: string; readonly name: string }> {
    return this.#pages(`/groups/${group}/children`, idAnswer.extend({ name: z.string() }));
  }

  async members(group: string): Promise<readonly string[]> {
    const names: string[] = [];
    const member = z.object({ username: z.string() });
    for await (const { username } of this.#pages(`/groups/${group}/members`, member)) names.push(username);
    return names;
  }

  async #change(method: 'PUT' | 'DELETE', group: string, account: string): Promise<void> {
    const { status, body } = await this.#call(method, `/users/${account}/groups/${group}`);
    if (status !== 204 && !(method === 'DELETE' && status === 404)) throw refusal(status, body);
  }

  async *#pages<T extends z.ZodType>(
    where: string,
    item: T,
    briefRepresentation = 'true',
  ): AsyncGenerator<z.output<T>> {
    for (let first = 0; ; first += PAGE) {
      const query = new URLSearchParams({ first: `${first}`, max: `${PAGE}`, briefRepresentation });
      const page = (await this.#read(`${where}?${query}`, z.array(item))) ?? [];
      yield* page;
      if (page.length < PAGE) return;
      if (first >= MOST_MEMBERS) throw oddAnswer(WHO, `more than ${MOST_MEMBERS} rows of ${where}`);
    }
  }

  /** Returns undefined if there is no such thing. */
  async #read<T extends z.ZodType>(where: string, answer: T): Promise<z.output<T> | undefined> {
    const { status, body } = await this.#call('GET', where);
    if (status === 404) return undefined;
    if (status !== 200) throw refusal(status, body);
    const read = answer.safeParse(body);
    if (!read.success) throw oddAnswer(WHO, where.replace(/\?.*/, ''));
    return read.data;
  }

  async #call(method: JsonCall['method'], where: string): Promise<JsonAnswer> {
    const { url, realm } = this.settings;
    const call = async () =>
      callJson(WHO, {
        method,
        url: `${url.replace(/\/$/, '')}/admin/realms/${encodeURIComponent(realm)}${where}`,
        headers: { authorization: `Bearer ${await this.#bearer()}` },
      });
    const answer = await call();
    if (answer.status !== 401) return answer;
    // The token may have been withdrawn before its time, for example by a restart of Keycloak.
    this.#token = undefined;
    return call();
  }

  async #bearer(): Promise<string> {
    if (this.#token !== undefined && this.#token.untilMs > Date.now()) return this.#token.text;
    const { url, realm, clientId, clientSecret } = this.settings;
    const { status, body } = await callJson(WHO, {
      method: 'POST',
      url: `${url.replace(/\/$/, '')}/realms/${encodeURIComponent(realm)}/protocol/openid-connect/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'client_credentials',
        client_id: clientId,
        client_secret: clientSecret,
      }).toString(),
    });
    if (status !== 200) throw refusal(status, body);
    const read = tokenAnswer.safeParse(body);
    if (!read.success) throw oddAnswer(WHO, 'a request for a token');
    const { access_token: text, expires_in: seconds } = read.data;
    this.#token = { text, untilMs: Date.now() + seconds * 1_000 - EARLIER_MS };
    return text;
  }
}

function refusal(status: number, body: unknown) {
  const said = words.safeParse(body).data;
  return refusalBy(WHO, status, said?.error_description ?? said?.errorMessage ?? said?.error ?? '');
}
