import type { Complaint } from '../check';
import type { Delivered, LifeRecord } from '../live';
import type { Plan } from '../plan';
import type { Cohorts } from './cohorts';

/**
 * Returns what became of the decisions on requests that waited when the upgrade began. A fault can take the answer to one away, and what was
 * granted may be over before it is sent again: then there is nothing left to decide.
 */
export function decisionsIn(
  records: readonly LifeRecord[],
  { decidedMeanwhile, decidedAfter }: Cohorts,
  granted: ReadonlySet<string>,
) {
  const undecided: Complaint[] = [];
  const countOf = (plans: readonly Plan[]) => {
    const those = records.filter(({ plan }) => plans.includes(plan));
    const open = those.flatMap(({ request, delivered }) => {
      const isDone = ({ fate }: Delivered) =>
        fate === 'accepted' || fate === 'left' || (fate === 'gone' && granted.has(request.id));
      const failed = delivered.find((one) => !isDone(one));
      return failed === undefined
        ? []
        : [`${request.id} could not be decided by ${failed.saying.by}: ${failed.fate} ${failed.code ?? ''}`];
    });
    undecided.push(...open);
    return those.length - open.length;
  };
  return { meanwhile: countOf(decidedMeanwhile), after: countOf(decidedAfter), undecided };
}
