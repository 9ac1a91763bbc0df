import type { CountersignClient, RequestView } from '../client';
import { createConnectors } from '../connectors';
import { type LeaseRecord, leaseOf } from '../connectors/contract';
import { addressVariable, isSet } from '../connectors/settings';
import type { AccessRequest } from '../domain/request';
import type { Status } from '../domain/status';
import { authoritiesOf, FileTicketSource, type LoadedBundle, loadBundle, type TicketSource } from '../policy';
import { type VerifiedList, VerifiedRequests } from '../verified/verified-requests';
import type { TargetAnswer, VerifiedRequest } from '../verified/verify-request';
import type { Context } from './context';
import { withEnrolledKeys } from './enrolled';

/** A command may take longer over a list than a page. */
const LIST_WITHIN_MS = 15_000;

/** Where no tickets are known, a ticket is not for this reader to judge. The act on the target judges it again. */
const ANY_TICKET: TicketSource = { check: async () => ({ found: true }) };

/** What is read of a request, and whether it is proved. */
export interface ReadRequest {
  readonly view: RequestView;
  readonly proof: Proof;
  /** What a gateway says of a request whose workflow was ended from outside. */
  readonly gone?: { readonly workflow: string; readonly says: string };
}

export type Proof =
  | { readonly holds: true; readonly serverSays: readonly string[] }
  | { readonly holds: false; readonly code: string; readonly why: string };

/** Verifies what the server says of requests by the bundle that the settings name. */
export class CliVerifier {
  readonly #bundle: LoadedBundle;
  readonly #requests: VerifiedRequests;

  private constructor(
    bundle: LoadedBundle,
    private readonly client: CountersignClient,
    context: Context,
  ) {
    this.#bundle = bundle;
    const authority = authoritiesOf()(bundle);
    const leases = new TargetLeases(bundle, context);
    this.#requests = new VerifiedRequests({
      requests: client,
      reader: async () => ({ ...authority, leaseOf: (request) => leases.of(request) }),
      nowMs: Date.now,
      withinMs: LIST_WITHIN_MS,
    });
  }

  /** Returns the reason in one line if there is no bundle here to verify by. */
  static async open(context: Context, client: CountersignClient): Promise<CliVerifier | string> {
    const { settings, env } = context;
    if (env['COUNTERSIGN_BUNDLE'] === undefined)
      return 'no policy bundle is named here to verify it by (COUNTERSIGN_BUNDLE)';
    const file = settings.COUNTERSIGN_TICKETS;
    const tickets = file === undefined ? ANY_TICKET : new FileTicketSource(file);
    const loaded = await loadBundle(settings.COUNTERSIGN_BUNDLE, tickets);
    if (!loaded.ok)
      return `the policy bundle ${settings.COUNTERSIGN_BUNDLE} cannot be used; countersign policy check`;
    const bundle = await withEnrolledKeys(loaded.bundle, env, context.announce);
    return new CliVerifier(bundle, client, context);
  }

  read(requestId: string): Promise<VerifiedRequest> {
    return this.#requests.read(requestId);
  }

  awaiting(person: string, limit: number): Promise<VerifiedList> {
    return this.#requests.awaiting(person, limit);
  }

  withStatus(status: Status | undefined, limit: number): Promise<VerifiedList> {
    return this.#requests.withStatus(status, limit);
  }

  madeUp(): Promise<Pick<VerifiedList, 'withheld' | 'isWhole'>> {
    return this.#requests.madeUp();
  }

  /** Whether the submission itself is signed by its requester, for a request of which no worker tells more. */
  async refuseSubmission(requestId: string): Promise<string | undefined> {
    const { directory } = authoritiesOf()(this.#bundle);
    const recognised = await directory.authenticateSubmission(
      await this.client.submissionOf(requestId),
      Date.now(),
    );
    return recognised.ok ? undefined : recognised.refusal.detail;
  }
}

/** Reads a request, verified if that is possible here, and else as the server has it. */
export async function readRequest(
  context: Context,
  client: CountersignClient,
  id: string,
): Promise<ReadRequest> {
  const verifier = await CliVerifier.open(context, client);
  if (typeof verifier === 'string')
    return { view: await client.get(id), proof: { holds: false, code: 'NOT_VERIFIED', why: verifier } };
  const read = await verifier.read(id);
  if (read.holds) return { view: read.view, proof: { holds: true, serverSays: read.serverSays } };
  const { code, detail } = read.refusal;
  return { view: read.claimed ?? (await client.get(id)), proof: { holds: false, code, why: detail } };
}

/** Says what of a request is proved, in lines that stand before and after it. Empty if all of it is. */
export function describeProof(proof: Proof): {
  readonly before: readonly string[];
  readonly after: readonly string[];
} {
  if (!proof.holds)
    return { before: [`NOT PROVED: ${proof.why}. What follows is only the word of the server:`], after: [] };
  if (proof.serverSays.length === 0) return { before: [], after: [] };
  const said = proof.serverSays.map((word) => SAID[word] ?? word).join(', ');
  return { before: [], after: [`  only the server says: ${said}`] };
}

const SAID: Readonly<Record<string, string>> = {
  access: 'when access was given, and to which account',
  end: 'how and when it ended',
  assessment: 'how policy assessed it',
  attempts: 'which attempts were refused',
};

/** What targets know of leases, read once for a command however many requests it verifies. */
class TargetLeases {
  readonly #read = new Map<string, Promise<ReadonlyMap<string, LeaseRecord> | undefined>>();

  constructor(
    private readonly bundle: LoadedBundle,
    private readonly context: Context,
  ) {}

  /** Asks the target of a request. A target that is not set here, or does not answer, cannot be asked. */
  async of({ id, entitlement: { connector } }: AccessRequest): Promise<TargetAnswer> {
    for (const scope of ['alive', 'all'] as const) {
      const leases = await this.#leases(connector, scope);
      if (leases === undefined) return { asked: false };
      const record = leases.get(id);
      if (record !== undefined)
        return { asked: true, lease: { lease: leaseOf(record), requestDigest: record.requestDigest } };
    }
    return { asked: true };
  }

  #leases(name: string, scope: 'alive' | 'all') {
    const key = `${scope} ${name}`;
    const read = this.#read.get(key) ?? this.#list(name, scope);
    this.#read.set(key, read);
    return read;
  }

  async #list(name: string, scope: 'alive' | 'all'): Promise<ReadonlyMap<string, LeaseRecord> | undefined> {
    const { env, announce } = this.context;
    if (!isSet(addressVariable(name), env)) return undefined;
    const declared = this.bundle.connectors.filter((one) => one.name === name);
    try {
      const connector = (await createConnectors(declared, env)).get(name);
      if (connector === undefined) return undefined;
      try {
        return new Map((await connector.list(scope)).leases.map((lease) => [lease.id, lease]));
      } finally {
        await connector.close();
      }
    } catch (error) {
      announce(
        `the target ${name} could not be asked: ${error instanceof Error ? error.message : 'unknown'}`,
      );
      return undefined;
    }
  }
}
