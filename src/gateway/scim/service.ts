import { randomUUID } from 'node:crypto';
import type { Logger } from '../../contracts/logger';
import {
  type PushedChange,
  type PushedRow,
  type PushedStore,
  sizeOf,
} from '../../directory/sources/pushed/store';
import { SOURCE_LIMITS } from '../../directory/sources/sources-file';
import { digestOfText } from '../../domain/digest';
import type { BundleSource, LoadedBundle } from '../../policy';
import { signPushed, verifyPushed } from '../../signing/sources';
import type { GatewayKeys } from '../keys';
import type { OwnStanding } from '../parts';
import { type Patch, patched } from './patch';
import { invalid, ScimProblem } from './problem';
import { decodeResource, type Values } from './resource';
import type { ResourceKind } from './schema';
import { nameKey, Search, valuesIn } from './search';
import { type PushedSource, pushedSources, sourceOfToken } from './tokens';
import { etagOf, resourceOf } from './view';

export interface ScimOptions {
  readonly store: PushedStore;
  readonly bundles: BundleSource<LoadedBundle>;
  readonly own: Pick<OwnStanding, 'recorder'>;
  readonly keys: Pick<GatewayKeys, 'attestation'>;
  readonly publicUrl: string;
  readonly log: Logger;
  readonly nowMs: () => number;
}

/** A resource as the caller gets it, with its version. */
export interface Answer {
  readonly resource: Record<string, unknown>;
  readonly etag: string;
}

type Written = { readonly row: PushedRow; readonly isChanged: boolean } | ScimProblem;

const MOST = { User: SOURCE_LIMITS.people, Group: SOURCE_LIMITS.groups } as const;
const HEAR_EVERY_MS = 60_000;

/**
 * Takes what identity providers push (SCIM 2.0). The gateway signs what it took and keeps it. It counts once a reader has taken it over,
 * under the rules for every source: a push changes no group by itself.
 */
export class ScimService {
  readonly search: Search;
  readonly #heardAtMs = new Map<string, number>();

  constructor(private readonly options: ScimOptions) {
    this.search = new Search(options.store, this.baseUrl);
  }

  get baseUrl(): string {
    return `${this.options.publicUrl}/scim/v2`;
  }

  /** @throws ScimProblem 404 if `sources.yaml` names no source that is pushed, 401 if the token is not that of one */
  async recognise(authorization: string | undefined): Promise<PushedSource> {
    const { bundles, store, nowMs } = this.options;
    const sources = pushedSources((await bundles.current()).sources?.sources ?? {});
    if (sources.length === 0)
      throw new ScimProblem(404, 'sources.yaml names no source of the kind scim-server');
    const source = sourceOfToken(authorization, sources);
    if (source === undefined)
      throw new ScimProblem(401, 'the bearer token is not that of a source', undefined, {
        'WWW-Authenticate': 'Bearer realm="scim"',
      });
    if (nowMs() - (this.#heardAtMs.get(source.name) ?? Number.NEGATIVE_INFINITY) > HEAR_EVERY_MS) {
      await store.hear(source.name, nowMs());
      this.#heardAtMs.set(source.name, nowMs());
    }
    return source;
  }

  /** @throws ScimProblem 404 */
  async get(source: PushedSource, kind: ResourceKind, id: string): Promise<Answer> {
    const [row] = await this.options.store.list(source.name, kind.kind, { id }, { offset: 0, most: 1 });
    if (row === undefined) throw missing(kind, id);
    return this.#answer(kind, row);
  }

  /** @throws ScimProblem 400 if it is not valid, 409 if its name is taken, 413 if the source is full */
  create(source: PushedSource, kind: ResourceKind, body: Readonly<Record<string, unknown>>): Promise<Answer> {
    const values = decodeResource(kind, body);
    return this.#write(source, kind, 'created', async (change) => {
      if ((await change.count(kind.kind)) >= MOST[kind.kind])
        return new ScimProblem(413, `a source has ${MOST[kind.kind]} ${kind.endpoint} at most`, 'tooMany');
      return this.#put(change, source, kind, values, undefined);
    });
  }

  /** @throws ScimProblem 400, 404, 409, 412, 413 */
  replace(
    source: PushedSource,
    kind: ResourceKind,
    id: string,
    body: Readonly<Record<string, unknown>>,
    ifMatch: string | undefined,
  ): Promise<Answer> {
    const values = decodeResource(kind, body);
    return this.#edit(source, kind, id, ifMatch, 'replaced', (before) =>
      // To leave `active` out brings nobody back (RFC 7644 section 3.5.1 leaves that to the server).
      before['active'] === false && values['active'] === undefined ? { ...values, active: false } : values,
    );
  }

  /** @throws ScimProblem 400, 404, 409, 412, 413 */
  patch(
    source: PushedSource,
    kind: ResourceKind,
    id: string,
    { Operations }: Patch,
    ifMatch: string | undefined,
  ): Promise<Answer> {
    return this.#edit(source, kind, id, ifMatch, 'patched', (before) => patched(kind, before, Operations));
  }

  /** @throws ScimProblem 404, 412 */
  async remove(
    source: PushedSource,
    kind: ResourceKind,
    id: string,
    ifMatch: string | undefined,
  ): Promise<void> {
    const { store, log, nowMs } = this.options;
    const problem = await store.change(source.name, async (change) => {
      const row = await change.find(kind.kind, id);
      if (row === undefined) return missing(kind, id);
      if (!isMatch(ifMatch, row)) return changedMeanwhile();
      await change.remove(row, nowMs());
      return undefined;
    });
    if (problem !== undefined) throw problem;
    log.info({ source: source.name, kind: kind.kind, id }, 'an identity provider removed a resource');
  }

  #edit(
    source: PushedSource,
    kind: ResourceKind,
    id: string,
    ifMatch: string | undefined,
    how: string,
    next: (before: Values) => Values,
  ): Promise<Answer> {
    return this.#write(source, kind, how, async (change) => {
      const row = await change.find(kind.kind, id);
      if (row === undefined) return missing(kind, id);
      if (!isMatch(ifMatch, row)) return changedMeanwhile();
      // Who can write to the database must not have this gateway sign what they wrote.
      if (!(await this.#isSigned(source, row)))
        return new ScimProblem(
          500,
          'what is stored of it was not written by a gateway; delete it and push it again',
        );
      const values = problemOf(() => next(valuesIn(kind, row)));
      return values instanceof ScimProblem ? values : this.#put(change, source, kind, values, row);
    });
  }

  async #write(
    source: PushedSource,
    kind: ResourceKind,
    how: string,
    work: (change: PushedChange) => Promise<Written>,
  ): Promise<Answer> {
    const written = await this.options.store.change(source.name, work);
    if (written instanceof ScimProblem) throw written;
    const { row, isChanged } = written;
    if (isChanged)
      this.options.log.info(
        { source: source.name, kind: kind.kind, id: row.id, version: row.version },
        `an identity provider ${how} a resource`,
      );
    return this.#answer(kind, row);
  }

  async #put(
    change: PushedChange,
    { name: source }: PushedSource,
    kind: ResourceKind,
    values: Values,
    before: PushedRow | undefined,
  ): Promise<Written> {
    const { own, keys, nowMs } = this.options;
    const content = JSON.stringify(values);
    if (before?.content === content && keyIdOf(before.jws) === keys.attestation.keyId)
      return { row: before, isChanged: false };
    const name = nameKey(String(values[kind.nameAttribute]));
    const holder = await change.holderOf(kind.kind, name);
    if (holder !== undefined && holder !== before?.id)
      return new ScimProblem(
        409,
        `there is another ${kind.kind} with this ${kind.nameAttribute}`,
        'uniqueness',
      );
    const grows = sizeOf(content) - sizeOf(before?.content);
    // `false` is longer than `true`. To say that somebody left is never too much.
    const isLeaving = values['active'] === false;
    if (grows > 0 && !isLeaving && (await change.bytes()) + grows > SOURCE_LIMITS.bytes)
      return new ScimProblem(413, `a source has ${SOURCE_LIMITS.bytes} bytes at most`, 'tooMany');
    const atMs = nowMs();
    const id = before?.id ?? randomUUID();
    const version = (before?.version ?? 0) + 1;
    const about = { source, kind: kind.kind, id, version, digest: digestOfText(content) };
    const { externalId } = values;
    const row: PushedRow = {
      ...{ id, kind: kind.kind, name, version, content },
      externalId: typeof externalId === 'string' ? externalId : undefined,
      jws: await signPushed(about, own.recorder, keys.attestation, atMs),
      createdAtMs: before?.createdAtMs ?? atMs,
      changedAtMs: atMs,
    };
    await change.put(row, before);
    return { row, isChanged: true };
  }

  async #isSigned({ name: source }: PushedSource, row: PushedRow): Promise<boolean> {
    const { bundles, nowMs } = this.options;
    const { id, kind, version, content, jws } = row;
    const about = { source, id, kind, version, digest: digestOfText(content) };
    return (await verifyPushed(jws, about, (await bundles.current()).file, nowMs())).ok;
  }

  #answer(kind: ResourceKind, row: PushedRow): Answer {
    return { resource: resourceOf(kind, row, valuesIn(kind, row), this.baseUrl), etag: etagOf(row) };
  }
}

const missing = ({ kind }: ResourceKind, id: string) =>
  new ScimProblem(404, `there is no ${kind} ${JSON.stringify(id.slice(0, 64))}`);

const changedMeanwhile = () => new ScimProblem(412, 'it has another version than If-Match says');

/** Returns true if `If-Match` is absent, or names this version. */
const isMatch = (ifMatch: string | undefined, row: PushedRow): boolean =>
  ifMatch === undefined || namesVersion(ifMatch, row);

/** Returns true if a list of entity tags has that of this version. Tags are compared weakly: they stand for the same content. */
export const namesVersion = (tags: string, row: Pick<PushedRow, 'version'>): boolean =>
  tags.split(',').some((tag) => tag.trim() === '*' || tag.trim().replace(/^W\//, '') === `"${row.version}"`);

function problemOf<T>(work: () => T): T | ScimProblem {
  try {
    return work();
  } catch (error) {
    if (error instanceof ScimProblem) return error;
    return invalid('it cannot be applied');
  }
}

/** The key that a JWS says it was signed with. */
function keyIdOf(jws: string): unknown {
  try {
    return JSON.parse(Buffer.from(jws.split('.', 1)[0] ?? '', 'base64url').toString()).kid;
  } catch {
    return undefined;
  }
}
