import { BoundedMap } from '../../signing/seen';
import { decode } from '../http/body';
import { isSignedBy, SHORTEST_SECRET, sharedSecretIn } from '../http/hmac';
import { HttpProblem } from '../http/problem';
import type { Deployments } from './deployments';
import { ruleRequestedSchema } from './payload';

const MOST_DELIVERIES = 10_000;
const DELIVERY = /^[\w-]{1,64}$/;
const SCHEME = 'sha256=';

/** The headers and the body of a delivery, as they came. */
export interface Delivery {
  readonly event: string | undefined;
  readonly delivery: string | undefined;
  readonly signature: string | undefined;
  readonly body: string;
}

/** What became of a delivery. */
export interface Received {
  readonly outcome: 'asked' | 'known' | 'ignored';
  readonly request?: string;
}

/** Takes deliveries of the App's webhook. Nothing in one is read before its signature holds. */
export class Webhook {
  /** What deliveries became. A second one with the same id is answered from here. */
  readonly #delivered = new BoundedMap<Received>(MOST_DELIVERIES);

  /** @throws Error (one line) if the secret is missing or too short */
  constructor(
    private readonly secretFile: string,
    private readonly deployments: Pick<Deployments, 'ask'>,
  ) {
    if (sharedSecretIn(secretFile) === undefined)
      throw new Error(`${secretFile}: needs a webhook secret of ${SHORTEST_SECRET} characters or more`);
  }

  /** @throws HttpProblem 401 if the signature does not hold, 400 and 403 if the message is refused */
  async receive({ event, delivery, signature, body }: Delivery): Promise<Received> {
    if (!this.#isSigned(body, signature))
      throw new HttpProblem(401, 'X-Hub-Signature-256 is not that of this body', { code: 'BAD_SIGNATURE' });
    if (delivery === undefined || !DELIVERY.test(delivery))
      throw new HttpProblem(400, 'X-GitHub-Delivery is missing', { code: 'MALFORMED' });
    const known = this.#delivered.get(delivery);
    if (known !== undefined) return { ...known, outcome: 'known' };
    const received = await this.#take(event, body);
    this.#delivered.set(delivery, received);
    return received;
  }

  async #take(event: string | undefined, body: string): Promise<Received> {
    if (event !== 'deployment_protection_rule') return { outcome: 'ignored' };
    const message = decode(jsonIn(body), ruleRequestedSchema, 'message');
    const { id, created } = await this.deployments.ask(message, body);
    return { outcome: created ? 'asked' : 'known', request: id };
  }

  #isSigned(body: string, signature: string | undefined): boolean {
    const secret = sharedSecretIn(this.secretFile);
    if (secret === undefined || signature?.startsWith(SCHEME) !== true) return false;
    return isSignedBy(body, signature.slice(SCHEME.length), secret);
  }
}

function jsonIn(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    throw new HttpProblem(400, 'the message is not JSON', { code: 'MALFORMED' });
  }
}
