import { z } from 'zod';
import type { Logger } from '../../contracts/logger';
import { mattermostId, saidByContext } from '../../contracts/mattermost';
import { digestOfText } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';
import { channelAccount } from '../../signing/attested';
import { BoundedMap } from '../../signing/seen';
import { type ChosenOptions, carryChosen, type Taken } from '../chosen';
import { sharedSecretIn } from '../http/hmac';
import { HttpProblem } from '../http/problem';
import type { MattermostApi } from './api';
import type { MattermostConfig } from './config';

const MOST_REMEMBERED = 10_000;

/** The members of a press that are used. Mattermost sends others. */
const pressSchema = z.object({
  user_id: mattermostId,
  channel_id: mattermostId,
  post_id: mattermostId,
  context: z.unknown(),
});

export interface ChoicesOptions extends Omit<ChosenOptions, 'attester'> {
  readonly config: MattermostConfig;
  /** Whose account this is, by the directory. */
  readonly holderOf: (account: string) => Promise<PrincipalId | undefined>;
  readonly api: Pick<MattermostApi, 'isMember'>;
  readonly log: Logger;
}

/** What the member reads of it, as Mattermost shows it to them alone. */
export interface Said extends Taken {
  readonly ephemeral_text: string;
}

/** Takes approvals by the button of a message. It decides nothing: it attests who chose, and the request judges that. */
export class MattermostChoices {
  /** What presses became. The same one again is answered from here. */
  readonly #taken = new BoundedMap<Said>(MOST_REMEMBERED);

  constructor(private readonly options: ChoicesOptions) {}

  /** @throws HttpProblem 401 if the button is not one that we made, 400 if this is no press */
  async receive(body: string): Promise<Said> {
    const press = pressSchema.safeParse(jsonIn(body));
    if (!press.success) throw new HttpProblem(400, 'this is no press of a button', { code: 'MALFORMED' });
    const name = digestOfText(body);
    const known = this.#taken.get(name);
    if (known !== undefined) return known;
    const { detail, ...taken } = await this.#take(press.data, body);
    const said = { ...taken, ephemeral_text: saying(taken, detail) };
    this.#taken.set(name, said);
    return said;
  }

  async #take(
    { user_id: account, channel_id: conversation, post_id: post, context }: z.output<typeof pressSchema>,
    body: string,
  ): Promise<Taken & { readonly detail?: string }> {
    const { config, holderOf, api, log, nowMs } = this.options;
    const { workspace, secretFile, attester } = config;
    const refused = (code: string, detail: string) => {
      log.warn({ code, account, workspace }, 'a choice in Mattermost was not taken');
      return { outcome: 'refused', code, detail } as const;
    };
    // Read anew each time, so that the secret can be replaced.
    const secret = sharedSecretIn(secretFile);
    const said = secret === undefined ? undefined : saidByContext(context, secret);
    if (said === undefined)
      throw new HttpProblem(401, 'the button is not one that we made', { code: 'BAD_SIGNATURE' });
    const { account: meant, untilMs, ...shown } = said;
    if (meant !== account) return refused('NOT_YOURS', 'the message was written to somebody else');
    if (nowMs() >= untilMs) return refused('TOO_OLD', 'the message is too old; open the page');
    const principal = await holderOf(channelAccount({ workspace, account }));
    if (principal === undefined)
      return refused('UNKNOWN_ACCOUNT', 'the directory does not know your account');
    const isMember = await api.isMember(account);
    if (isMember === undefined)
      return refused('NOT_NOW', 'Mattermost does not say who you are now; choose again');
    if (!isMember) return refused('NOT_A_MEMBER', 'only full members of the server can choose');
    const via = {
      ...{ channel: 'mattermost' as const, workspace, account, received: digestOfText(body) },
      message: `${conversation}/${post}`,
    };
    const became = await carryChosen({ verb: 'approve', shown, via }, principal, {
      ...this.options,
      attester,
    });
    return became.code === undefined ? became : refused(became.code, became.detail ?? 'it was not accepted');
  }
}

/** Mattermost reads this as Markdown, and a code span as what it is. */
const saying = ({ outcome }: Taken, detail = 'it was not taken'): string =>
  outcome === 'accepted'
    ? 'Your approval counts.'
    : `Nothing was decided: \`${detail.replace(/[`\p{C}]/gu, "'").slice(0, 300)}\``;

function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
