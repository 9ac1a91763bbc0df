import { randomUUID } from 'node:crypto';
import type { AccessRequest } from '../client';
import { formatDuration } from '../contracts/duration';
import { endingDecision } from '../contracts/progress';
import { entitlementName, parseEntitlement } from '../domain/request';
import { FileTicketSource, loadBundle } from '../policy';
import type { Context } from './context';
import { printable, UserError, usageError } from './output';
import type { RequestMembers } from './request-file';
import type { ReadRequest } from './verified';

/**
 * Checks what an approver offers instead of what was asked, before it is signed: policy has to let the same requester have it, by
 * itself or after approval. An offer decides nothing, so this only keeps people from being sent for something they cannot get.
 *
 * @throws UserError if it is nothing that could be offered
 */
export async function refuseOffer(
  offer: string,
  request: AccessRequest,
  { settings, env, announce }: Context,
): Promise<void> {
  const entitlement = parseEntitlement(offer);
  if (entitlement === undefined)
    throw usageError(`--offer: ${offer} is not of the form connector:resource#action`);
  if (request.kind !== 'access')
    throw usageError('--offer: an exact action is what it is; only access can be offered instead of access');
  if (offer === entitlementName(request.entitlement))
    throw usageError('--offer: that is what was asked for; approve it, or offer something else');
  if (env['COUNTERSIGN_BUNDLE'] === undefined) {
    announce(
      'whether policy allows what is offered is not checked: no policy bundle is named here (COUNTERSIGN_BUNDLE)',
    );
    return;
  }
  const loaded = await loadBundle(
    settings.COUNTERSIGN_BUNDLE,
    new FileTicketSource(settings.COUNTERSIGN_TICKETS),
  );
  if (!loaded.ok)
    throw new UserError(
      `nothing was signed: the policy bundle ${settings.COUNTERSIGN_BUNDLE} cannot be used; countersign policy check`,
    );
  const nowMs = Date.now();
  const wanted = { ...request, id: randomUUID(), entitlement, submittedAtMs: nowMs };
  const { outcome, explanation } = loaded.bundle.policy.assess(wanted, nowMs);
  if (outcome !== 'permit' && outcome !== 'approve')
    throw new UserError(
      printable(
        `nothing was signed: policy would not let ${request.requester} have ${offer} either: ${explanation}`,
      ),
      1,
      'OFFER_REFUSED',
    );
}

/**
 * Returns the request that takes what was offered when another one was denied: the same in all but the entitlement.
 *
 * @throws UserError if nothing was offered
 */
export function membersOffered(
  id: string,
  { view, proof }: ReadRequest,
  { announce }: Context,
): RequestMembers {
  const { offer, by } = endingDecision(view) ?? {};
  const asked = view.submission?.request;
  if (offer === undefined || asked === undefined)
    throw new UserError(`nothing was offered instead of ${id}: it is ${view.status}`, 1, 'NOTHING_OFFERED');
  if (!proof.holds)
    announce(
      printable(`not verified: ${proof.why}; policy judges what is asked for now as any other request`),
    );
  announce(
    printable(`asking for ${offer}, ${formatDuration(asked.durationMs)}, as ${by} offered: ${asked.reason}`),
  );
  const { requester, beneficiary, onBehalfOf, reason, ticket } = asked;
  return {
    ...{ entitlement: offer, duration: formatDuration(asked.durationMs), requester, beneficiary },
    ...{ onBehalfOf: [...onBehalfOf], reason, ...(ticket !== undefined && { ticket }) },
  };
}
