import { readFileSync } from 'node:fs';
import type { ApproverRequests } from '../approver/approver-requests';
import { attesterKey, holderIn } from '../channel-attester';
import type { Common } from '../parts';
import { SlackApi } from './api';
import { Choices } from './choices';

/**
 * Takes what people choose in Slack. Returns undefined if `gateway.yaml` has no section `slack`.
 *
 * @throws Error (one line) if the key or a secret is unusable, or the directory does not let the key attest for Slack
 */
export async function slackParts(
  { config: { slack: config }, bundles, log, nowMs }: Common,
  approverRequests: Pick<ApproverRequests, 'carry'>,
) {
  if (config === undefined) return undefined;
  for (const file of [config.signingSecretFile, config.tokenFile])
    if (readFileSync(file, 'utf8').trim() === '') throw new Error(`${file}: is empty`);
  const key = await attesterKey('slack', config, bundles, nowMs());
  return new Choices({
    ...{ config, key, log, nowMs, api: new SlackApi(config) },
    holderOf: holderIn('slack', bundles),
    carry: (principal, request, statement) => approverRequests.carry({ principal }, request, statement),
  });
}
