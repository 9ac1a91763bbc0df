import path from 'node:path';
import type { AccessBackend } from '../../../src/cli/run/backend';
import { byTemporal } from '../../../src/cli/run/backend';
import { byGateway } from '../../../src/cli/run/gateway-backend';
import type { RequestGateway } from '../gateway/support/request-gateway';

/** What a place shows of a request: nothing, a mark that it is not proved, that it was refused, or that it is true. */
export type Shown = 'nothing' | 'a mark' | 'refused' | 'true';
export type Place = (id: string) => Promise<Shown>;

export const byStatus = (status: string): Shown => (status === 'refused' ? 'refused' : 'true');
export const nothing = (): Shown => 'nothing';

/** `run` looks at its own request: of what Temporal says everything is marked, and a gateway derives it. */
export async function runPlaces(gateway: RequestGateway): Promise<Record<string, Place>> {
  const { harness } = gateway;
  const principal = 'ci/payments';
  const own = byTemporal(harness.client, principal, await gateway.key(principal));
  const file = path.join(harness.stateDir, 'keys', 'ci-payments.jwk');
  const carried = await byGateway(gateway.url, { kind: 'key', principal, file });
  const lookBy =
    ({ look }: AccessBackend): Place =>
    (id) =>
      look(id).then((seen) => {
        if (seen === undefined) return 'nothing';
        return seen.basis === 'server' ? 'a mark' : byStatus(seen.status);
      }, nothing);
  return { run: lookBy(own), 'run at a gateway': lookBy(carried) };
}
