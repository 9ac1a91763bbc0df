import type { Expected, TargetCheck } from '../target-check';
import { checkAnswer, listAnswer } from './messages';
import { send, type WebhookSettings } from './service';
import { nameOfGrant } from './target';

/** Checks that a service answers, takes our signature, and knows the grants and the accounts. Changes nothing. */
export async function checkService(
  settings: WebhookSettings,
  { grants, accounts }: Expected,
): Promise<readonly TargetCheck[]> {
  const reach = await tryOut('reach', 'the service answers and takes the signature', async () => {
    await send(settings, { type: 'access.list', grants }, listAnswer);
    return undefined;
  });
  const checks = [reach];
  const refusalOf = async (account: string, grant: Expected['grants'][number]) =>
    (await send(settings, { type: 'access.check', account, grant }, checkAnswer)).refused;
  const [anybody] = accounts;
  if (reach.ok && anybody !== undefined)
    for (const grant of grants)
      checks.push(
        await tryOut(`grant ${nameOfGrant(grant)}`, 'can be given', () => refusalOf(anybody, grant)),
      );
  const [any] = grants;
  if (reach.ok && any !== undefined)
    for (const account of new Set(accounts))
      checks.push(await tryOut(`account ${account}`, 'is known', () => refusalOf(account, any)));
  return checks;
}

async function tryOut(
  what: string,
  fine: string,
  whyNot: () => Promise<string | undefined>,
): Promise<TargetCheck> {
  const why = await whyNot().catch((error: unknown) =>
    error instanceof Error ? error.message : String(error),
  );
  return why === undefined ? { what, ok: true, detail: fine } : { what, ok: false, detail: why };
}
