import type { Page } from '../page';
import { FrictionView } from '../parts/friction-figures';
import { isGovernor, refuseAllButGovernors } from '../sessions';

/** What requests cost people, and what should be redesigned. */
export const frictionPage: Page = {
  path: '/friction',
  label: 'Friction',
  isFor: isGovernor,
  render: async ({ visitor, service }) => {
    refuseAllButGovernors(visitor);
    const counted = await service.friction.latest();
    return {
      title: 'Friction',
      ...(service.friction.isCounting && { live: `/live/friction?seen=${service.friction.countedAtMs}` }),
      body: (
        <>
          <h1>Friction</h1>
          {counted === undefined ? (
            <p class="lead">The requests are being counted. The figures appear here by themselves.</p>
          ) : (
            <FrictionView counted={counted} />
          )}
        </>
      ),
    };
  },
};
