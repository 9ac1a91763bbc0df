import { z } from 'zod';
import type { Groups } from '../group-membership';
import { callJson, type JsonAnswer, type JsonCall, oddAnswer, refusalBy } from '../json-http';

export interface ScimSettings {
  readonly url: string;
  readonly token: string;
}

const WHO = 'the SCIM service';
const PATCH_OP = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';
const MEDIA_TYPE = 'application/scim+json';
/** Members whose names are asked for at once. */
const NAMED_AT_ONCE = 50;

const member = z.object({ value: z.string().min(1) });
const group = z.object({
  id: z.string().min(1),
  displayName: z.string(),
  members: z.array(member).max(100_000).optional(),
});
const user = z.object({ id: z.string().min(1), userName: z.string(), active: z.boolean().optional() });
const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ totalResults: z.number().int(), Resources: z.array(item).optional() });
const words = z.object({ detail: z.string().optional(), scimType: z.string().optional() });

/** Groups of a service that speaks SCIM 2.0 (RFC 7644). Members are added and removed one at a time, by PATCH. */
export class ScimService implements Groups {
  constructor(private readonly settings: ScimSettings) {}

  /** Asks for one group. @throws TargetUnavailable in the words of the service */
  async reach(): Promise<void> {
    await this.#read('/Groups?count=1', listOf(group));
  }

  async findGroup(name: string): Promise<string | undefined> {
    return (await this.#one('/Groups', 'displayName', name, group))?.id;
  }

  async findAccount(name: string) {
    const found = await this.#one('/Users', 'userName', name, user);
    if (found === undefined)
      return { refused: `there is no user ${name}, or the connector may not see them` };
    return found.active === false ? { refused: `the user ${name} is not active` } : { id: found.id };
  }

  async isMember(groupId: string, account: string): Promise<boolean> {
    return (await this.#membersOf(groupId)).includes(account);
  }

  async add(groupId: string, account: string): Promise<void> {
    await this.#patch(groupId, { op: 'add', path: 'members', value: [{ value: account }] });
  }

  async remove(groupId: string, account: string): Promise<void> {
    // Some services refuse to remove who is no member, others ignore it.
    if (await this.isMember(groupId, account))
      await this.#patch(groupId, { op: 'remove', path: `members[value eq ${quoted(account)}]` });
  }

  async members(groupId: string): Promise<readonly string[]> {
    const ids = await this.#membersOf(groupId);
    const names: string[] = [];
    for (let from = 0; from < ids.length; from += NAMED_AT_ONCE)
      names.push(...(await Promise.all(ids.slice(from, from + NAMED_AT_ONCE).map((id) => this.#nameOf(id)))));
    return names;
  }

  /** Returns the id itself for a member that is no user, such as a group. */
  async #nameOf(id: string): Promise<string> {
    return (await this.#read(`/Users/${encodeURIComponent(id)}`, user))?.userName ?? id;
  }

  async #membersOf(groupId: string): Promise<readonly string[]> {
    const found = await this.#read(`/Groups/${encodeURIComponent(groupId)}`, group);
    return (found?.members ?? []).map(({ value }) => value);
  }

  /** Returns the only thing of a name. Two of one name are no answer, because the wrong one could be taken. */
  async #one<T extends z.ZodObject>(where: string, attribute: string, name: string, item: T) {
    const query = new URLSearchParams({ filter: `${attribute} eq ${quoted(name)}` });
    const found = await this.#read(`${where}?${query}`, listOf(item));
    const [first, ...others] = found?.Resources ?? [];
    if (others.length > 0) throw refusalBy(WHO, 400, `it has several entries with the ${attribute} ${name}`);
    return first;
  }

  async #patch(groupId: string, operation: object): Promise<void> {
    const body = JSON.stringify({ schemas: [PATCH_OP], Operations: [operation] });
    const { status, body: said } = await this.#call('PATCH', `/Groups/${encodeURIComponent(groupId)}`, body);
    if (status !== 200 && status !== 204) throw refusal(status, said);
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

  #call(method: JsonCall['method'], where: string, body?: string): Promise<JsonAnswer> {
    const { url, token } = this.settings;
    return callJson(WHO, {
      method,
      url: `${url.replace(/\/$/, '')}${where}`,
      headers: {
        authorization: `Bearer ${token}`,
        accept: MEDIA_TYPE,
        ...(body !== undefined && { 'content-type': MEDIA_TYPE }),
      },
      ...(body !== undefined && { body }),
    });
  }
}

/** A string in a filter is a JSON string (RFC 7644 section 3.4.2.2). */
const quoted = (text: string): string => JSON.stringify(text);

function refusal(status: number, body: unknown) {
  const said = words.safeParse(body).data;
  return refusalBy(WHO, status, said?.detail ?? said?.scimType ?? '');
}
