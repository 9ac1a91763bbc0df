import { readKeyFile } from '../client';
import { FileTicketSource, loadBundle } from '../policy';
import { deciders } from '../policy/evaluate/eligibility';
import { RESOURCE_OWNERS } from '../policy/load/paths-file';
import { invitationLink, signInvitation } from '../signing/enrolment';
import { exampleKeyFile } from '../stack/example-bundle';
import type { Stack } from '../stack/up';
import { pageOriginOf } from '../web/origin';

const GOVERNOR = 'person/nadia';
const LIFE_MS = 7 * 86_400_000;

/** Returns a link for each person of the example who approves, with which they register a passkey. None without pages. */
export async function exampleInvitations(
  stack: Stack,
): Promise<readonly { readonly person: string; readonly link: string }[]> {
  const origin = stack.gatewayUrl === undefined ? undefined : pageOriginOf(stack.gatewayUrl);
  const loaded = await loadBundle(stack.bundleDir, new FileTicketSource(undefined));
  if (origin === undefined || !loaded.ok) return [];
  const key = await readKeyFile(exampleKeyFile(stack.stateDir, GOVERNOR));
  const { context, directory } = loaded.bundle;
  const named = [...context.paths.values()].flatMap(({ stages }) =>
    stages.flatMap(({ approvers }) => approvers),
  );
  const owners = context.catalog.entries().map((entry) => entry.owners);
  const groups = [...named.filter((group) => group !== RESOURCE_OWNERS), ...owners];
  return Promise.all(
    deciders([...new Set(groups)], new Set(), directory, Date.now()).map(async (person) => {
      const terms = { person, rpId: new URL(origin).hostname, origin, lifeMs: LIFE_MS, endorse: false };
      return { person, link: invitationLink(origin, await signInvitation(terms, GOVERNOR, key, Date.now())) };
    }),
  );
}
