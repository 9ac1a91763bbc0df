import type { z } from 'zod';
import { type ConnectorDefinition, defineConnector, type KindOf, type Surroundings } from '../definition';
import type { BookTarget } from './target';

/** What a kind says about itself if its leases lie in the lease book. The rest is the same for all of them. */
export interface BookKind<Settings extends z.ZodObject>
  extends Omit<KindOf<Settings>, 'gives' | 'leases' | 'canHoldLedger' | 'make'> {
  /** Makes the target from its settings. Connects to nothing yet, and loads its code only now. */
  readonly target: (settings: z.output<Settings>, surroundings: Surroundings) => Promise<BookTarget>;
}

/** Makes the definition of a kind that gives access and keeps its leases in the lease book. */
export const defineBookConnector = <Settings extends z.ZodObject>({
  target,
  ...kind
}: BookKind<Settings>): ConnectorDefinition =>
  defineConnector({
    ...kind,
    gives: 'access',
    leases: 'lease-book',
    canHoldLedger: false,
    make: async (settings, surroundings) => {
      const { LeaseBookConnector } = await import('./connector.js');
      const { name, leaseBook, log } = surroundings;
      return new LeaseBookConnector({
        name,
        target: await target(settings, surroundings),
        url: leaseBook(),
        log,
      });
    },
  });
