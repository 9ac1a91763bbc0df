import type { Expected, TargetCheck } from '../target-check';
import { tryNames } from '../try-names';
import { checkAnswer, listAnswer } from './messages';
import { send, type WebhookSettings } from './service';
import { nameOfGrant } from './target';

/** Checks that a service answers, takes our signature, and knows the grants and the accounts. Changes nothing. */
export function checkService(settings: WebhookSettings, expected: Expected): Promise<readonly TargetCheck[]> {
  const { grants, accounts } = expected;
  const refusalOf = async (account: string | undefined, grant: Expected['grants'][number] | undefined) =>
    account === undefined || grant === undefined
      ? undefined
      : (await send(settings, { type: 'access.check', account, grant }, checkAnswer)).refused;
  const lookups = {
    reach: async () => {
      await send(settings, { type: 'access.list', grants }, listAnswer);
      return undefined;
    },
    reached: 'the service answers and takes the signature',
    nameOf: nameOfGrant,
    // A service is asked about an account and a grant together.
    grant: (grant: Expected['grants'][number]) => refusalOf(accounts[0], grant),
    account: (account: string) => refusalOf(account, grants[0]),
  };
  return tryNames(lookups, expected);
}
