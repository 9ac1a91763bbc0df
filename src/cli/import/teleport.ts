import { LIMITS } from '../../domain/limits';
import type { Account } from './account';
import { boundedMs, type Draft, type DraftEntitlement, type DraftGroup } from './draft';
import type { Importer } from './kinds';
import { at, documentsOf, itemsAt, leavesOf, type SourceNode, textAt, unknownKey } from './source';
import { LITERAL, matches, targetsOf } from './teleport-targets';

const REQUEST_KEYS = [
  ...['roles', 'thresholds', 'max_duration', 'annotations', 'suggested_reviewers', 'search_as_roles'],
  ...['claims_to_roles', 'reason'],
];
const REVIEW_KEYS = ['roles', 'preview_as_roles', 'claims_to_roles'];
const STANDING =
  'no role in the files may request this role, so it is access that its holders always have; here access is asked for';

interface Role {
  readonly name: string;
  readonly document: SourceNode;
  readonly holders: DraftGroup;
}

/** Teleport's roles, and its users for who holds them. */
export const fromTeleport: Importer = (files, draft, account) => {
  const roots = files.flatMap(documentsOf);
  const roles = new Map<string, Role>();
  for (const document of roots) {
    const name = textAt(document, 'metadata', 'name');
    if (textAt(document, 'kind') === 'user') continue;
    if (textAt(document, 'kind') !== 'role' || name === undefined || at(document, 'spec')?.kind !== 'map')
      account.leave(document, 'is not a role or a user of Teleport with a name');
    else if (roles.has(name))
      account.leave(document, `the role ${name} is there twice; the first one counts`);
    else roles.set(name, { name, document, holders: holdersOf(name, draft) });
  }
  for (const document of roots)
    if (textAt(document, 'kind') === 'user') userIn(document, roles, draft, account);
  const teleport = new Teleport(roles, draft, account);
  teleport.read();
  return roots;
};

const holdersOf = (name: string, draft: Draft): DraftGroup =>
  draft.group(`role ${name}`, `role-${name}`, `Holders of the Teleport role ${name}`);

function userIn(
  document: SourceNode,
  roles: ReadonlyMap<string, Role>,
  draft: Draft,
  account: Account,
): void {
  const nameNode = at(document, 'metadata', 'name');
  const id = draft.person(textAt(nameNode) ?? '');
  if (id === undefined) {
    account.leave(document, 'the name cannot be the id of a person, or is too like that of another');
    return;
  }
  for (const node of [at(document, 'kind'), nameNode]) account.express(node, id);
  for (const node of itemsAt(document, 'spec', 'roles')) {
    const role = roles.get(textAt(node) ?? '');
    if (role === undefined) account.leave(node, 'the role is not in the files');
    else {
      role.holders.members.add(id);
      account.express(node, `member of ${role.holders.name}`);
    }
  }
}

class Teleport {
  readonly #entitlements = new Map<string, readonly DraftEntitlement[]>();

  constructor(
    readonly roles: ReadonlyMap<string, Role>,
    readonly draft: Draft,
    readonly account: Account,
  ) {}

  read(): void {
    const asked = new Set<string>();
    for (const role of this.roles.values())
      for (const { name } of this.#named(at(role.document, 'spec', 'allow', 'request', 'roles')))
        asked.add(name);
    for (const name of asked) {
      const role = this.roles.get(name);
      if (role !== undefined) this.#entitlements.set(name, this.#given(role));
    }
    for (const role of this.roles.values()) {
      for (const node of [at(role.document, 'kind'), at(role.document, 'metadata', 'name')])
        this.account.express(node, `group ${role.holders.name}`);
      if (!asked.has(role.name)) this.#leaveStanding(role);
      this.account.leave(
        at(role.document, 'spec', 'options'),
        'terms of sessions, such as recording, a second factor or a known device, are set up on the target here',
      );
      this.#requests(role);
      this.#denies(role);
    }
  }

  /** Returns the roles of the files that a list of names and patterns means, each with what names it. */
  #named(list: SourceNode | undefined): readonly { readonly name: string; readonly node: SourceNode }[] {
    return itemsAt(list).flatMap((node) => {
      const text = textAt(node) ?? '';
      if (LITERAL.test(text)) return this.roles.has(text) ? [{ name: text, node }] : [];
      if (!/^[^{}^$]+$/.test(text)) return [];
      const parts = text.split('*');
      return [...this.roles.keys()].filter((name) => matches(name, parts)).map((name) => ({ name, node }));
    });
  }

  #leaveStanding({ document }: Role): void {
    const allow = at(document, 'spec', 'allow');
    if (allow?.kind !== 'map') return;
    for (const [key, node] of allow.entries)
      if (key !== 'request' && key !== 'review_requests') this.account.leave(node, STANDING);
  }

  /** What somebody gets who is given a role. */
  #given(role: Role): readonly DraftEntitlement[] {
    const approval = this.#approval(role.name);
    if (approval.quorum <= LIMITS.quorum) return targetsOf(role, approval, this.draft, this.account);
    this.account.leave(
      role.document,
      `takes more approvals than ${LIMITS.quorum}, the most that a stage can ask for`,
    );
    return [];
  }

  /** Who reviews requests for a role, and how many of them it takes: the most that any role that may request it says. */
  #approval(name: string): { readonly approvers: readonly DraftGroup[]; readonly quorum: number } {
    const approvers: DraftGroup[] = [];
    let quorum = 1;
    for (const role of this.roles.values()) {
      const allow = at(role.document, 'spec', 'allow');
      const review = at(allow, 'review_requests');
      if (
        unknownKey(review, REVIEW_KEYS) === undefined &&
        at(role.document, 'spec', 'deny', 'review_requests') === undefined
      )
        for (const found of this.#named(at(review, 'roles')))
          if (found.name === name) approvers.push(role.holders);
      if (this.#named(at(allow, 'request', 'roles')).some((one) => one.name === name))
        for (const threshold of itemsAt(allow, 'request', 'thresholds'))
          quorum = Math.max(quorum, Number(textAt(threshold, 'approve') ?? 1) || 1);
    }
    const named =
      approvers.length > 0
        ? [...new Set(approvers)]
        : [
            this.draft.group(
              `reviewers of ${name}`,
              `reviewers-of-${name}`,
              `Reviewers of requests for the Teleport role ${name}`,
            ),
          ];
    return { approvers: named.slice(0, LIMITS.stageGroups), quorum: Math.ceil(quorum) };
  }

  #requests({ document, holders }: Role): void {
    const allow = at(document, 'spec', 'allow');
    const request = at(allow, 'request');
    const review = at(allow, 'review_requests');
    const maxNode = at(request, 'max_duration');
    const unknown = unknownKey(request, REQUEST_KEYS);
    if (unknown !== undefined) {
      this.account.leave(
        request,
        `has ${unknown}, which is not known here and might narrow what may be requested`,
      );
    }
    for (const node of unknown === undefined ? itemsAt(request, 'roles') : []) {
      const found = this.#named(node);
      const made = found.flatMap(({ name }) => this.#entitlements.get(name) ?? []);
      if (made.length === 0) {
        this.account.leave(
          node,
          'names no role of the files that gives anything which the draft can express',
        );
        continue;
      }
      this.account.express(node, `${holders.name} may ask for ${made.length} entitlements`);
      for (const { name } of found) {
        const target = this.roles.get(name);
        const ttlNode = at(target?.document, 'spec', 'options', 'max_session_ttl');
        const limits = [boundedMs(textAt(maxNode)), boundedMs(textAt(ttlNode))].filter(
          (one) => one !== undefined,
        );
        for (const entitlement of this.#entitlements.get(name) ?? [])
          this.draft.permit(holders, entitlement, limits.length === 0 ? undefined : Math.min(...limits));
        for (const limit of [maxNode, ttlNode])
          if (boundedMs(textAt(limit)) !== undefined) this.account.express(limit, 'the longest grant');
      }
    }
    this.#thresholds(request);
    for (const node of itemsAt(review, 'roles')) {
      if (
        unknownKey(review, REVIEW_KEYS) !== undefined ||
        at(document, 'spec', 'deny', 'review_requests') !== undefined
      )
        this.account.leave(
          node,
          'a condition or a denial narrows who may review, so the role approves nothing here',
        );
      else if (this.#named(node).some(({ name }) => this.#entitlements.has(name)))
        this.account.express(node, `${holders.name} approves`);
      else this.account.leave(node, 'names no role of the files that may be requested');
    }
  }

  #thresholds(request: SourceNode | undefined): void {
    for (const threshold of itemsAt(request, 'thresholds')) {
      const approve = at(threshold, 'approve');
      const deny = at(threshold, 'deny');
      const count = Number(textAt(approve) ?? Number.NaN);
      if (Number.isInteger(count) && count >= 1)
        this.account.express(approve, `at least ${count} people approve`);
      if (textAt(deny) === '1') this.account.express(deny, 'one denial ends a request, as everywhere here');
      else this.account.leave(deny, 'one denial ends a request here');
      this.account.leave(
        at(threshold, 'filter'),
        'everybody who approves counts alike here, and the highest threshold holds for all',
      );
    }
  }

  /** What a role denies its holders, everywhere. What cannot be said exactly denies them everything in the draft. */
  #denies({ document, holders, name }: Role): void {
    const deny = at(document, 'spec', 'deny');
    if (deny?.kind !== 'map') return;
    for (const [key, node] of deny.entries) {
      const leaves = [...leavesOf(node)].filter((one) => one.kind === 'scalar' && one.value !== null);
      if (leaves.length === 0 || key === 'review_requests') {
        if (leaves.length > 0)
          this.account.leave(node, 'the holders of this role approve nothing in the draft');
        continue;
      }
      const exact =
        key === 'db_roles' || key === 'logins' ? leaves.map((leaf) => this.#deniedBy(key, leaf)) : undefined;
      if (exact?.every((one) => one !== undefined)) {
        for (const { leaf, entitlements } of exact) {
          this.account.express(leaf, `${holders.name} cannot get it`);
          for (const one of entitlements)
            this.draft.forbid(holders, `the role ${name} denies ${textAt(leaf)}`, one);
        }
      } else {
        this.draft.forbid(
          holders,
          `the role ${name} denies something that could not be said exactly (${key})`,
        );
        this.account.leave(
          node,
          `could not be said exactly, so the holders of this role get nothing at all; see the policy that forbids ${holders.name} everything`,
        );
      }
    }
  }

  #deniedBy(key: string, leaf: SourceNode) {
    const value = textAt(leaf) ?? '';
    if (!LITERAL.test(value)) return undefined;
    const field = key === 'logins' ? 'principals' : 'role';
    const entitlements = [...this.draft.entitlements.values()].filter(({ grant }) => grant[field] === value);
    return { leaf, entitlements };
  }
}
