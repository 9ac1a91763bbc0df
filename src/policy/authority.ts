import type { Directory } from '../directory/directory';
import type { Assessment } from '../domain/assessment';
import type { Authority, KeyDirectory, Policy } from '../domain/ports';
import { type DenialReport, type Ledger, NO_PRECEDENTS, type Precedents } from '../domain/precedents';
import type { Standing } from '../domain/principal';
import type { Result } from '../domain/refusal';
import type { AccessRequest, SignedEnvelope } from '../domain/request';
import { SignedDirectory } from '../signing/signed-directory';
import type { Bundle, BundlePolicy, BundleSource } from './bundle';

/** Checks that a registered key signed a report of a denial, and returns its signer. Checks nothing else. */
export interface DenialAuthority {
  authenticateDenial(
    envelope: SignedEnvelope,
    atMs: number,
  ): Promise<Result<{ readonly report: DenialReport; readonly reporter: Standing }>>;
}

/** The directory and policy of one moment, with the record of earlier requests. */
export interface RememberingAuthority extends Authority {
  readonly directory: KeyDirectory & DenialAuthority;
  readonly policy: RememberingPolicy;
}

/** Looks up earlier requests, and records this one. */
type Memory = Pick<Ledger, 'ask'>;

const NO_MEMORY: Memory = { ask: async () => NO_PRECEDENTS };

/**
 * Returns a function that turns a version of the bundle into an authority. Each version of the directory gets one
 * signature checker, so that the keys it has imported stay in memory for as long as that version is in force.
 *
 * @param memory without it, every request is judged as the first of its kind
 */
export function authoritiesOf(memory: Memory = NO_MEMORY): (bundle: Bundle) => RememberingAuthority {
  const signed = new WeakMap<Directory, SignedDirectory>();
  return ({ directory, policy }) => {
    const known = signed.get(directory) ?? new SignedDirectory(directory);
    signed.set(directory, known);
    return { directory: known, policy: remembering(policy, memory) };
  };
}

/** Returns a function that gives the current directory and policy. `memory` is as in `authoritiesOf`. */
export function authorityOver(bundles: BundleSource, memory?: Memory): () => Promise<RememberingAuthority> {
  const authorityOf = authoritiesOf(memory);
  return async () => authorityOf(await bundles.current());
}

/**
 * A policy that records every request it assesses, and assesses it with the record of earlier ones. The
 * assessment and the act on a target both use it, so neither happens without a record (APB-4).
 */
function remembering(policy: BundlePolicy, memory: Memory): RememberingPolicy {
  const past = (request: AccessRequest, atMs: number) => memory.ask(policy.entryOf(request, atMs));
  return {
    digest: policy.digest,
    assess: async (request, atMs) => policy.assess(request, atMs, await past(request, atMs)),
    assessOnRecord: async (request, atMs) => {
      const precedents = await past(request, atMs);
      return { assessment: policy.assess(request, atMs, precedents), ...notableOf(precedents) };
    },
    checkReroute: async (statement, request, atMs) => {
      const precedents = await past(request, atMs);
      return {
        ...(await policy.checkReroute(statement, request, atMs, precedents)),
        ...notableOf(precedents),
      };
    },
  };
}

/** A policy that returns the earlier requests it considered, so that an audit can repeat the assessment with the same ones. */
export interface RememberingPolicy extends Policy {
  assessOnRecord(
    request: AccessRequest,
    atMs: number,
  ): Promise<{ readonly assessment: Assessment; readonly precedents?: Precedents }>;
}

/** Leaves precedents out of the record if there are none, as for most requests. */
function notableOf(precedents: Precedents): { readonly precedents?: Precedents } {
  const { asks, denials, grants } = precedents;
  return asks.length + denials.length + grants.length === 0 ? {} : { precedents };
}
