import { decode } from '../http/body';
import { isSignedBy, SHORTEST_SECRET, sharedSecretIn } from '../http/hmac';
import { HttpProblem } from '../http/problem';
import { Asker, type AskerOptions } from '../questions/asker';
import type { CheckRule, GitlabConfig } from './config';
import { type CheckMessage, checkMessageSchema } from './payload';
import { askedBy, type Question, requestIdOf } from './question';

export interface ChecksOptions extends Omit<AskerOptions<Question>, 'issuer'> {
  readonly config: GitlabConfig;
}

/** A message of a status check, as it came. */
export interface Delivery {
  /** The number of the check, by the address that the message was sent to. */
  readonly check: string;
  readonly signature: string | undefined;
  readonly body: string;
}

/** What became of a message. */
export interface Received {
  readonly outcome: 'asked' | 'known' | 'ignored';
  readonly request?: string;
}

/** Takes messages of external status checks, and asks them as requests. Nothing in one is read before its signature holds. */
export class Checks {
  readonly #asker: Asker<Question>;

  /** @throws Error (one line) if a secret is missing or too short */
  constructor(private readonly options: ChecksOptions) {
    const { config } = options;
    for (const { secretFile } of config.checks)
      if (sharedSecretIn(secretFile) === undefined)
        throw new Error(`${secretFile}: needs a shared secret of ${SHORTEST_SECRET} characters or more`);
    this.#asker = new Asker({ ...options, issuer: config.url });
  }

  /** @throws HttpProblem 401 if the signature does not hold, 400 and 403 if the message is refused */
  async receive({ check, signature, body }: Delivery): Promise<Received> {
    const { config, keys } = this.options;
    const rule = config.checks.find((one) => String(one.check) === check);
    // Read anew each time, so that the secret can be replaced.
    const secret = rule && sharedSecretIn(rule.secretFile);
    if (rule === undefined || secret === undefined || !isSignedBy(body, signature, secret))
      throw new HttpProblem(401, 'X-GitLab-Signature is not that of this body by the secret of this check', {
        code: 'BAD_SIGNATURE',
      });
    const message = decode(jsonIn(body), checkMessageSchema, 'message');
    if (message.object_attributes.state !== 'opened') return { outcome: 'ignored' };
    const question = questionIn(message, rule);
    const { id, created } = await this.#asker.ask({
      question,
      request: askedBy(question, rule, requestIdOf(question, rule, keys)),
      subject: `project ${rule.projectId}, check ${rule.check}, merge request ${question.mergeRequest}`,
      body,
    });
    return { outcome: created ? 'asked' : 'known', request: id };
  }
}

function questionIn(
  { project: from, object_attributes: about, external_approval_rule: asked }: CheckMessage,
  { project, projectId, check }: CheckRule,
): Question {
  const refused = (code: string, detail: string) => new HttpProblem(403, detail, { code });
  if (asked.id !== check) throw refused('ANOTHER_CHECK', 'the message is of another status check');
  if (from.id !== projectId || about.target_project_id !== projectId)
    throw refused('NOT_NAMED', 'gateway.yaml names another project for this status check');
  if (from.path_with_namespace.toLowerCase() !== project.toLowerCase())
    throw refused('RENAMED', 'the project has another path than in gateway.yaml; change it there');
  const { iid: mergeRequest, target_branch: branch, last_commit: commit } = about;
  return { projectId, project, check, mergeRequest, branch, commit: commit.id };
}

function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new HttpProblem(400, 'the message is not JSON', { code: 'MALFORMED' });
  }
}
