import { type DifferentTypes, eventsSchema } from '../../../src/contracts/event';
import { keptEvidence } from '../../support/audit';

/** Compiles only if both agree on every type and on every member. */
function agree<Domain extends { type: string }, Schema extends { type: string }>(
  ..._different: [DifferentTypes<Domain, Schema>] extends [never] ? [] : [DifferentTypes<Domain, Schema>]
): void {}

interface Denied {
  readonly type: 'denied';
  readonly by: string;
  readonly comment?: string;
}
interface Closed {
  readonly type: 'closed';
}
interface Loose {
  [member: string]: unknown;
}

describe('a schema of events that differs from the domain does not compile', () => {
  test('it compiles if both have the same types and members, also if the schema is loose', () => {
    agree<Denied | Closed, (Loose & { type: 'denied'; by: string; comment?: string }) | Closed>();
  });

  test('it does not if a type, a member, an optional member or an option is missing, or if one is too many', () => {
    // @ts-expect-error a type of the domain without a schema
    agree<Denied | Closed, Denied>();
    // @ts-expect-error a schema for a type that the domain does not have
    agree<Denied, Denied | Closed>();
    // @ts-expect-error a member of the domain that the schema does not have
    agree<Denied, { type: 'denied'; comment?: string }>();
    // @ts-expect-error an optional member of the domain that the schema does not have
    agree<Denied, { type: 'denied'; by: string }>();
    // @ts-expect-error an optional member that the schema requires
    agree<Denied, { type: 'denied'; by: string; comment: string }>();
    // @ts-expect-error a required member that the schema lets be absent
    agree<Denied, { type: 'denied'; by?: string; comment?: string }>();
    // @ts-expect-error a member that only the schema has
    agree<Closed, { type: 'closed'; by?: string }>();
    // @ts-expect-error a member of another type
    agree<Denied, { type: 'denied'; by: number; comment?: string }>();
  });
});

test.each(keptEvidence())('the events of kept evidence pass unchanged: $name', ({ evidence }) => {
  const events = evidence.steps.flatMap((step) => step.events.map(({ event }) => event));
  expect(eventsSchema.parse(events)).toEqual(events);
});
