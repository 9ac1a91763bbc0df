import { readFileSync } from 'node:fs';
import type { ApproverRequests } from '../approver/approver-requests';
import { attesterKey, holderIn } from '../channel-attester';
import { SHORTEST_SECRET, sharedSecretIn } from '../http/hmac';
import type { Common } from '../parts';
import { MattermostApi } from './api';
import { MattermostChoices } from './choices';

/**
 * Takes what people choose in Mattermost. Returns undefined if `gateway.yaml` has no section `mattermost`.
 *
 * @throws Error (one line) if the key or a secret is unusable, or the directory does not let the key attest for Mattermost
 */
export async function mattermostParts(
  { config: { mattermost: config }, bundles, log, nowMs }: Common,
  approverRequests: Pick<ApproverRequests, 'carry'>,
) {
  if (config === undefined) return undefined;
  if (readFileSync(config.tokenFile, 'utf8').trim() === '') throw new Error(`${config.tokenFile}: is empty`);
  if (sharedSecretIn(config.secretFile) === undefined)
    throw new Error(`${config.secretFile}: needs a secret of ${SHORTEST_SECRET} characters or more`);
  const key = await attesterKey('mattermost', config, bundles, nowMs());
  return new MattermostChoices({
    ...{ config, key, log, nowMs, api: new MattermostApi(config) },
    holderOf: holderIn('mattermost', bundles),
    carry: (principal, request, statement) => approverRequests.carry({ principal }, request, statement),
  });
}
