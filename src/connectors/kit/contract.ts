import { accessCases, breakOffCases, outageCases } from './access-cases';
import { commonCases } from './common-cases';
import { type Cases, type ConnectorUnderTest, Target } from './target';

/** One thing that every connector promises. `run` rejects with an AssertionError if it does not keep it. */
export interface ContractCase {
  readonly name: string;
  readonly run: () => Promise<void>;
}

/**
 * What every connector must do, whatever its target, as cases for any test runner:
 * `for (const { name, run } of connectorContract(subject)) test(name, run)`. Cases share the target, so run them one after
 * the other. Cases that this kind of target cannot have are left out.
 */
export function connectorContract(subject: ConnectorUnderTest): readonly ContractCase[] {
  const { access, breakOff, outage } = subject;
  const target = new Target(subject);
  return [
    ...cases(target, commonCases),
    ...(access === undefined ? [] : cases(target, accessCases(access))),
    ...(breakOff === undefined
      ? []
      : cases(
          target,
          breakOffCases((work) => breakOff(work)),
        )),
    ...(outage === undefined ? [] : cases(target, outageCases(outage))),
  ];
}

const cases = (target: Target, list: Cases): readonly ContractCase[] =>
  Object.entries(list).map(([name, run]) => ({ name, run: () => run(target) }));
