import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJwt } from 'jose';
import { CountersignError, type SignedEnvelope } from '../../../src/client';
import { principalId } from '../../../src/contracts/request';
import { statementAnswerSchema } from '../../../src/contracts/snapshot';
import type { PrincipalId } from '../../../src/domain/principal';
import { callGateway, GatewayError } from '../../../src/enforcement';
import { type RunningChild, startChild } from '../../../src/stack/child-process';
import { freePort } from '../../../src/stack/free-port';
import type { Ground } from '../ground';
import type { Carrier } from '../live';

/** One address for both, as behind a load balancer. */
const PUBLIC_URL = 'http://countersign.test';
const STOPS_WITHIN_MS = 8_000;
const READY_WITHIN_MS = 90_000;
const PAUSE_MS = 300;

interface Member {
  readonly port: number;
  main: string;
  child: RunningChild | undefined;
  /** Set while it is being started. */
  raising: Promise<void> | undefined;
  isWanted: boolean;
}

/** Gateways behind one address. Each call goes to the next one, and to another if that one is away. */
export class Gateways implements Carrier {
  /** How many answers each version's gateways gave, refusals included. */
  readonly answers = new Map<string, number>();
  #calls = 0;

  private constructor(
    private readonly ground: Ground,
    private readonly members: readonly Member[],
  ) {}

  /** @param main file of the command line that they run */
  static async start(ground: Ground, count: number, main: string): Promise<Gateways> {
    const members: Member[] = [];
    for (let number = 0; number < count; number += 1)
      members.push({ port: await freePort(), main, child: undefined, raising: undefined, isWanted: true });
    const gateways = new Gateways(ground, members);
    await Promise.all(members.map((member) => gateways.#raise(member)));
    return gateways;
  }

  /** Kills one (SIGKILL) and starts it again. */
  async strike(number: number): Promise<void> {
    const member = this.members[number];
    if (member?.isWanted !== true) return;
    await member.child?.kill();
    await this.#raise(member);
  }

  /** Ends one (SIGTERM), and starts another program on its port. Resolves once it says that it is ready. */
  async replace(number: number, main: string): Promise<void> {
    const member = this.members[number];
    if (member === undefined) throw new RangeError(`no gateway ${number}`);
    member.isWanted = false;
    await member.raising;
    await member.child?.stop(STOPS_WITHIN_MS);
    member.main = main;
    member.isWanted = true;
    await this.#raise(member);
  }

  async stop(): Promise<void> {
    for (const member of this.members) {
      member.isWanted = false;
      await member.child?.kill();
    }
  }

  async submit(submission: Parameters<Carrier['submit']>[0]): Promise<string> {
    const { request } = submission;
    await this.#call(request.requester, '/v1/requests', submission);
    return request.id;
  }

  async sendStatement(id: string, statement: SignedEnvelope) {
    const path = `/v1/requests/${encodeURIComponent(id)}/statements`;
    return statementAnswerSchema.parse(await this.#call(signerOf(statement), path, statement));
  }

  /** Signals go to Temporal: gateways send none. */
  leaveStatement(...left: Parameters<Carrier['leaveStatement']>): Promise<void> {
    return this.ground.client.leaveStatement(...left);
  }

  #raise(member: Member): Promise<void> {
    member.raising ??= this.#start(member).finally(() => {
      member.raising = undefined;
    });
    return member.raising;
  }

  /** Starts one until it is ready. One that exits is started again, as a supervisor does: the database may be away. */
  async #start(member: Member): Promise<void> {
    const { port, main } = member;
    while (member.isWanted) {
      const child = await startChild({
        name: `gateway-${port}`,
        command: process.execPath,
        args: [main, 'gateway', '--port', String(port), '--public-url', PUBLIC_URL],
        env: { ...this.ground.environment(), COUNTERSIGN_STATE_DIR: this.ground.stateDir },
        logFile: path.join(this.ground.stateDir, `gateway-${port}.log`),
      });
      member.child = child;
      if (await isReady(member, child)) {
        void child.ended.then(() => {
          if (member.isWanted && member.child === child) void this.#raise(member);
        });
        return;
      }
      await child.kill();
      await sleep(PAUSE_MS);
    }
  }

  async #call(who: PrincipalId, where: string, body: unknown): Promise<unknown> {
    const member = this.members[this.#calls++ % this.members.length];
    if (member === undefined) throw new CountersignError('UNREACHABLE', 'there are no gateways');
    const { main } = member;
    const token = await (await this.ground.cast.credential(who, PUBLIC_URL)).token();
    const answered = () => this.answers.set(main, (this.answers.get(main) ?? 0) + 1);
    try {
      const answer = await callGateway(addressOf(member), 'POST', where, { body, token });
      answered();
      return answer;
    } catch (error) {
      if (!(error instanceof GatewayError))
        throw new CountersignError('UNREACHABLE', 'the gateway does not answer', { cause: error });
      answered();
      throw new CountersignError(codeOf(error), error.message, { cause: error });
    }
  }
}

const addressOf = ({ port }: Member): string => `http://127.0.0.1:${port}`;

function codeOf({ status, type }: GatewayError) {
  if (type.endsWith(':duplicate_request')) return 'ALREADY_SUBMITTED';
  if (status === 404) return 'NOT_FOUND';
  return status >= 500 || status === 429 ? 'NOT_ANSWERING' : 'INVALID_STATEMENT';
}

/** Who claims to have signed. What a gateway believes of it is its own affair. */
function signerOf(statement: SignedEnvelope): PrincipalId {
  if (statement.format !== 'jws') throw new TypeError('the lives sign by keys');
  return principalId.parse(decodeJwt(statement.jws).iss);
}

/** Waits until it answers `/ready` with 200. Returns false if it ended before, or took too long. */
async function isReady(member: Member, child: RunningChild): Promise<boolean> {
  let hasEnded = false;
  void child.ended.then(() => {
    hasEnded = true;
  });
  for (const untilMs = Date.now() + READY_WITHIN_MS; !hasEnded && Date.now() < untilMs; ) {
    const answer = await fetch(`${addressOf(member)}/ready`, { signal: AbortSignal.timeout(2_000) }).catch(
      () => undefined,
    );
    await answer?.body?.cancel();
    if (answer?.ok) return true;
    await sleep(100);
  }
  return false;
}
