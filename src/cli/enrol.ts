import type { Command } from 'commander';
import { CountersignError } from '../contracts/error';
import { isPrincipalId } from '../domain/principal';
import type { SignedEnvelope } from '../domain/request';
import type { Context, Run } from './context';
import { parseDurationMs } from './duration';
import { AS_HELP, addExamples, KEY_HELP } from './help';
import { type CommandResult, done, printable, usageError } from './output';
import type { SignerOptions } from './signer';

interface EnrolOptions extends SignerOptions {
  readonly gateway?: string;
  readonly for: string;
  readonly endorse?: boolean;
}

/** `countersign enrol` */
export function define(command: Command, run: Run): void {
  command
    .argument('<person>', 'who is invited, for example person/mira')
    .option('--as <governor>', `who invites and has the role iam-operations, ${AS_HELP}`)
    .option('--key <file>', KEY_HELP)
    .option('--gateway <url>', 'gateway whose pages the passkey is for (default: COUNTERSIGN_GATEWAY)')
    .option('--for <duration>', 'how long the link can be used, 7d at most', '24h')
    .option('--endorse', 'a second governor has to endorse the passkey (countersign keys endorse)')
    .action((person: string, options: EnrolOptions) => run((context) => invite(person, options, context)));
  addExamples(command, ['enrol person/mira --as person/nadia --gateway https://access.example.com']);
}

async function invite(person: string, options: EnrolOptions, context: Context): Promise<CommandResult> {
  if (!isPrincipalId(person) || !person.startsWith('person/'))
    throw usageError(
      `${JSON.stringify(person)} is not a person such as person/mira; machines have no passkeys`,
    );
  // All this takes longer to load than help may take.
  const { LONGEST_INVITATION_MS } = await import('../contracts/enrolment.js');
  const lifeMs = parseDurationMs(options.for, '--for');
  if (lifeMs > LONGEST_INVITATION_MS) throw usageError('--for: at most 7d');
  const address = options.gateway ?? context.settings.COUNTERSIGN_GATEWAY;
  if (address === undefined || !URL.canParse(address))
    throw usageError('say for which pages the passkey is: --gateway https://access.example.com');
  const { pageOriginOf } = await import('../web/origin.js');
  const origin = pageOriginOf(address);
  if (origin === undefined)
    throw usageError(
      `--gateway: passkeys work over https or on this machine, at the root of a host: ${address}`,
    );
  const { findSigner } = await import('./signer.js');
  const { principal, key } = await findSigner(options, context);
  const { signInvitation, invitationLink } = await import('../signing/enrolment.js');
  const terms = { person, rpId: new URL(origin).hostname, origin, lifeMs, endorse: options.endorse === true };
  const invited = await signInvitation(terms, principal, key, Date.now());
  const isChecked = await wasChecked(address, invited.invitation, context);
  const link = invitationLink(origin, invited);
  const until = new Date(Date.now() + lifeMs).toISOString();
  return done(
    { person, invitedBy: principal, link, origin, until, endorse: terms.endorse, checked: isChecked },
    link,
    `for ${person}, for one use, until ${until}${terms.endorse ? '; another governor has to endorse the passkey' : ''}`,
    'who has this link can register a passkey as this person; send it where only they read it',
  );
}

/**
 * Asks the gateway whether the invitation would count, so that a governor hears of a mistake before the person does. The key in the link
 * does not go there.
 *
 * @throws UserError if the gateway refuses it
 */
async function wasChecked(
  address: string,
  invitation: SignedEnvelope,
  { announce }: Context,
): Promise<boolean> {
  const { callGateway, identifierOf } = await import('../enforcement/index.js');
  const { calling } = await import('./gateway-calls.js');
  try {
    await calling(() =>
      callGateway(identifierOf(address), 'POST', '/v1/keys/invitation', { body: { invitation } }),
    );
    return true;
  } catch (error) {
    if (!(error instanceof CountersignError)) throw error;
    announce(printable(`not checked by the gateway: ${error.message}`));
    return false;
  }
}
