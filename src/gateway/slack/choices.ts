import { readFileSync } from 'node:fs';
import type { Logger } from '../../contracts/logger';
import { SLACK_ACTIONS, slackBlocks } from '../../contracts/slack';
import { digestOfText } from '../../domain/digest';
import type { PrincipalId } from '../../domain/principal';
import { channelAccount } from '../../signing/attested';
import { BoundedMap } from '../../signing/seen';
import { type ChosenOptions, carryChosen, type Taken } from '../chosen';
import { HttpProblem } from '../http/problem';
import type { SlackApi } from './api';
import type { SlackConfig } from './config';
import { type Interaction, interactionIn, shownBy } from './payload';
import { isSignedBySlack, type SignedBody } from './signature';

const MOST_REMEMBERED = 10_000;

export interface ChoicesOptions extends Omit<ChosenOptions, 'attester'> {
  readonly config: SlackConfig;
  /** Whose account this is, by the directory. */
  readonly holderOf: (account: string) => Promise<PrincipalId | undefined>;
  readonly api: Pick<SlackApi, 'member' | 'tell'>;
  readonly log: Logger;
}

/** Takes what members choose by the buttons of a message. It decides nothing: it attests who chose, and the request judges that. */
export class Choices {
  /** What messages became. The same one again is answered from here; another gateway's request refuses it as used. */
  readonly #taken = new BoundedMap<Taken>(MOST_REMEMBERED);

  constructor(private readonly options: ChoicesOptions) {}

  /** @throws HttpProblem 401 if Slack did not sign this body in the last five minutes */
  async receive(message: SignedBody): Promise<Taken> {
    const { config, nowMs } = this.options;
    if (!isSignedBySlack(message, readFileSync(config.signingSecretFile, 'utf8').trim(), nowMs()))
      throw new HttpProblem(401, 'X-Slack-Signature is not that of this body, or it is too old', {
        code: 'BAD_SIGNATURE',
      });
    const interaction = interactionIn(message.body);
    const verb = verbOf(interaction?.actions[0]?.action_id);
    if (interaction === undefined || verb === undefined) return { outcome: 'ignored' };
    const name = digestOfText(message.body);
    const known = this.#taken.get(name);
    if (known !== undefined) return known;
    const { detail, ...taken } = await this.#take(interaction, verb, message.body);
    this.#taken.set(name, taken);
    const { container, user } = interaction;
    await this.options.api.tell(container.channel_id, user.id, saying(taken.outcome, detail, verb));
    return taken;
  }

  async #take(
    { team, user, container, actions, state }: Interaction,
    verb: 'approve' | 'deny',
    body: string,
  ): Promise<Taken & { readonly detail?: string }> {
    const { config, holderOf, api, log } = this.options;
    const refused = (code: string, detail: string) => {
      log.warn({ code, account: user.id, workspace: team.id }, 'a choice in Slack was not taken');
      return { outcome: 'refused', code, detail } as const;
    };
    const shown = shownBy(actions[0]?.value);
    if (shown === undefined) return refused('MALFORMED', 'this button is not one of Countersign');
    if (team.id !== config.workspace || (user.team_id ?? team.id) !== config.workspace)
      return refused('OTHER_WORKSPACE', 'only members of our own workspace can choose');
    // A conversation of two, so no channel that is shared with others, and no message of somebody else.
    if (!container.channel_id.startsWith('D'))
      return refused('NOT_DIRECT', 'choose in the message that you got yourself');
    const principal = await holderOf(channelAccount({ workspace: team.id, account: user.id }));
    if (principal === undefined)
      return refused('UNKNOWN_ACCOUNT', 'the directory does not know your account');
    const member = await api.member(user.id);
    if (member === undefined) return refused('NOT_NOW', 'Slack does not say who you are now; choose again');
    if (
      member.team_id !== config.workspace ||
      member.deleted ||
      member.is_bot ||
      member.is_restricted ||
      member.is_ultra_restricted ||
      member.is_stranger
    )
      return refused('NOT_A_MEMBER', 'only full members of the workspace can choose');
    const why = state?.values[slackBlocks(shown.request).why]?.[SLACK_ACTIONS.why]?.value;
    const via = {
      ...{ workspace: team.id, account: user.id, received: digestOfText(body) },
      channel: 'slack' as const,
      message: `${container.channel_id}/${container.message_ts}`,
    };
    const { attester } = config;
    const became = await carryChosen({ verb, shown, why, via }, principal, { ...this.options, attester });
    return became.code === undefined ? became : refused(became.code, became.detail ?? 'it was not accepted');
  }
}

function verbOf(action: string | undefined): 'approve' | 'deny' | undefined {
  if (action === SLACK_ACTIONS.approve) return 'approve';
  return action === SLACK_ACTIONS.deny ? 'deny' : undefined;
}

/** Escapes the three characters that begin markup in Slack. */
const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');

function saying(outcome: Taken['outcome'], detail: string | undefined, verb: 'approve' | 'deny'): string {
  if (outcome === 'accepted') return verb === 'approve' ? 'Your approval counts.' : 'You denied the request.';
  return `Nothing was decided: ${escaped(detail ?? 'it was not taken')}`;
}
