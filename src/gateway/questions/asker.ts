import { type CountersignClient, CountersignError } from '../../client';
import { digestOfText } from '../../domain/digest';
import { HttpProblem } from '../http/problem';
import type { GatewayKeys } from '../keys';
import { attest } from '../requests/attest';
import type { Asked } from './asked-for';
import type { QuestionStore } from './store';

export interface AskerOptions<Q> {
  readonly client: Pick<CountersignClient, 'submit'>;
  readonly keys: GatewayKeys;
  /** The identity that the gateway attests as. */
  readonly recorder: string;
  readonly store: Pick<QuestionStore<Q>, 'note'>;
  /** Who asks: the address of the other side. */
  readonly issuer: string;
  readonly nowMs: () => number;
}

export interface AskedRequest {
  readonly id: string;
  /** False if it was asked before. */
  readonly created: boolean;
}

/** Asks what the other side asks, as a request in the name of a workload. */
export class Asker<Q> {
  constructor(private readonly options: AskerOptions<Q>) {}

  /**
   * Asks. The same question again finds the request of the first.
   *
   * @throws HttpProblem if the request is not valid, or cannot be stored or submitted now
   */
  async ask({
    question,
    request: asked,
    subject,
    body,
  }: {
    readonly question: Q;
    readonly request: Asked;
    /** What the other side asked about, for the record. */
    readonly subject: string;
    /** The received message, whose signature holds. */
    readonly body: string;
  }): Promise<AskedRequest> {
    const { client, keys, recorder, store, issuer, nowMs } = this.options;
    const atMs = nowMs();
    const { id } = asked;
    try {
      // Before the request starts: a question without a request is asked again below, a request without a question would have no answer.
      await store.note(id, question, atMs);
    } catch {
      throw unavailable('the question cannot be stored now');
    }
    const via = { issuer, subject, token: digestOfText(body) };
    const request = { ...asked, submittedAtMs: atMs };
    const submission = await attest(request, { iss: recorder, via }, keys.attestation, atMs);
    try {
      await client.submit(submission);
      return { id, created: true };
    } catch (error) {
      if (!(error instanceof CountersignError)) throw error;
      if (error.code === 'ALREADY_SUBMITTED') return { id, created: false };
      if (error.code === 'INVALID_REQUEST') throw new HttpProblem(400, error.message.slice(0, 600));
      throw unavailable('requests cannot be reached now');
    }
  }
}

const unavailable = (why: string) =>
  new HttpProblem(503, `${why}; have it delivered again`, { headers: { 'Retry-After': '5' } });
