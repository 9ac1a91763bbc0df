import { readFileSync } from 'node:fs';
import type { Directory } from '../../directory/directory';
import { ATTESTER_ROLE, hasAnyRole } from '../../domain/principal';
import { readKeyFile } from '../../signing/keys';
import type { ApproverRequests } from '../approver/approver-requests';
import type { Common } from '../parts';
import { SlackApi } from './api';
import { Choices } from './choices';
import type { SlackConfig } from './config';

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
  const key = await readKeyFile(config.keyFile);
  checkAttester((await bundles.current()).context.directory, config, key.keyId, nowMs());
  return new Choices({
    ...{ config, key, log, nowMs, api: new SlackApi(config) },
    holderOf: async (account) => {
      const { principals, context } = await bundles.current();
      return principals.find((id) => context.directory.identity(id)?.accounts['slack'] === account);
    },
    carry: (principal, request, statement) => approverRequests.carry({ principal }, request, statement),
  });
}

function checkAttester(directory: Directory, { attester }: SlackConfig, keyId: string, nowMs: number): void {
  const registered = directory.keyById(keyId, nowMs);
  const standing = directory.standingOf(attester, nowMs);
  const may =
    registered?.principal === attester &&
    registered.channel === 'slack' &&
    standing?.active === true &&
    hasAnyRole(standing, [ATTESTER_ROLE]);
  if (!may)
    throw new Error(
      `slack: the key is not registered to ${attester} with "channel: slack" and the role ${ATTESTER_ROLE}; put its public part into the directory`,
    );
}
