import { type CryptoKey, generateKeyPair, SignJWT } from 'jose';
import { SILENT_LOGGER } from '../../../src/contracts/logger';
import { EXECUTION_TYPE } from '../../../src/contracts/statement';
import { digestOf, requestDigest } from '../../../src/domain/digest';
import type { Evidence } from '../../../src/domain/evidence';
import { proveAuthorised } from '../../../src/domain/prove';
import { HolderKey, MigrationExecutor, type MigrationOutcome, TokenCheck } from '../../../src/enforcement';
import { TokenUseStore } from '../../../src/token-uses/store';
import { permittedCase } from '../../support/authorisation';
import { sampleRequest } from '../../support/keyring';
import { startPostgres, type TestPostgres } from '../../support/postgres';

const ISSUER = 'https://gateway.example';
const AUDIENCE = 'service/migrator';
export const OWNER = 'payments_schema_owner';

/** The target's roles as an operator makes them: who writes the ledger cannot migrate, and who migrates has no ledger. */
const ROLES = `
  CREATE ROLE ${OWNER} NOLOGIN;
  CREATE ROLE other_owner NOLOGIN;
  CREATE ROLE payments_migrator LOGIN NOINHERIT IN ROLE ${OWNER};
  CREATE ROLE migrates_both LOGIN NOINHERIT IN ROLE ${OWNER}, other_owner;
  CREATE ROLE makes_roles LOGIN CREATEROLE IN ROLE ${OWNER};
  CREATE ROLE ledger_writer LOGIN;
  CREATE ROLE does_both LOGIN IN ROLE ${OWNER}, ledger_writer;
  CREATE ROLE sees_ledger LOGIN IN ROLE ${OWNER};
  GRANT USAGE ON SCHEMA countersign TO ledger_writer, sees_ledger;
  GRANT SELECT, UPDATE ON countersign.execution TO ledger_writer;
  CREATE SCHEMA payments AUTHORIZATION ${OWNER};
`;

export interface Said {
  readonly request: string;
  readonly outcome: string;
  readonly reasonCode: string | undefined;
}

/** An executor on a real database with a real ledger, and an issuer whose tokens it takes. */
export class Ground {
  readonly reported: Said[] = [];
  readonly logged: object[] = [];
  login: string | undefined = 'payments_migrator';
  /** Runs before the evidence is handed out. */
  beforeEvidence: () => Promise<void> = async () => undefined;
  readonly #evidence = new Map<string, Evidence>();
  #count = 0;

  private constructor(
    readonly postgres: TestPostgres,
    readonly ledger: TokenUseStore,
    private readonly issuerKey: CryptoKey,
    private readonly holder: HolderKey,
    issuerPublicKey: CryptoKey,
  ) {
    const { policy, directory } = permittedCase({ id: 'any', account: 'atlas', role: OWNER });
    this.executor = new MigrationExecutor({
      tokenUsesUrl: this.urlOf('ledger_writer'),
      loginOf: (role) =>
        this.login === undefined || role !== OWNER
          ? undefined
          : this.login.includes(':')
            ? this.login
            : this.urlOf(this.login),
      audience: AUDIENCE,
      authority: async () => ({
        directory,
        policy: { ...policy, assess: ({ id }) => this.#assessmentOf(id) },
      }),
      evidence: async (id) => {
        await this.beforeEvidence();
        return this.#evidence.get(id);
      },
      tokens: new TokenCheck({ issuer: ISSUER, keys: async () => issuerPublicKey }),
      report: async (request, outcome, reasonCode) =>
        void this.reported.push({ request, outcome, reasonCode }),
      log: { ...SILENT_LOGGER, warn: (about) => void this.logged.push(about) },
    });
  }

  readonly executor: MigrationExecutor;

  static async start(): Promise<Ground> {
    const postgres = await startPostgres();
    const ledger = new TokenUseStore({ url: postgres.url });
    await ledger.migrated();
    await postgres.query(ROLES);
    const { privateKey, publicKey } = await generateKeyPair('ES256');
    return new Ground(postgres, ledger, privateKey, await HolderKey.make(), publicKey);
  }

  async stop(): Promise<void> {
    await this.executor.close();
    await this.ledger.close();
    this.postgres.stop();
  }

  /** A migration that policy alone permits, released, with its token. */
  async approved(
    statements: readonly string[],
    { role = OWNER, lifeMs = 60_000 }: { readonly role?: string | null; readonly lifeMs?: number } = {},
  ): Promise<{ readonly id: string; readonly token: string }> {
    this.#count += 1;
    const id = `migration-${this.#count}`;
    const evidence = evidenceOf(id, statements, role);
    this.#evidence.set(id, evidence);
    const { request } = evidence.submission;
    const { directory, policy } = permittedCase({ id, account: 'atlas', role: OWNER });
    const proof = await proveAuthorised(evidence, Date.now(), directory, {
      ...policy,
      assess: ({ id: asked }) => this.#assessmentOf(asked),
    });
    if (!proof.ok) throw new Error(proof.refusal.detail);
    const tokenId = `token-${id}`;
    await this.ledger.release(proof.value);
    const issued = await this.ledger.issue(proof.value, tokenId, this.holder.thumbprint);
    if (!issued.ok) throw new Error(issued.refusal.detail);
    const seconds = Math.floor(Date.now() / 1_000);
    const token = await new SignJWT({
      ...{ iss: ISSUER, aud: AUDIENCE, sub: request.beneficiary, jti: tokenId, iat: seconds },
      ...{ exp: seconds + lifeMs / 1_000, cnf: { jkt: this.holder.thumbprint } },
      request: id,
      request_digest: requestDigest(request),
      action_digest: digestOf({ entitlement: request.entitlement, parameters: request.parameters }),
    })
      .setProtectedHeader({ alg: 'ES256', typ: EXECUTION_TYPE })
      .sign(this.issuerKey);
    return { id, token };
  }

  async execute(token: string): Promise<MigrationOutcome> {
    const holderProof = await this.holder.proof('POST', `${ISSUER}/v1/execution-tokens/redeem`, token);
    return this.executor.execute({ token, holderProof });
  }

  async isUsed(id: string): Promise<boolean> {
    return (await this.ledger.find(id))?.redeemed_at_ms != null;
  }

  urlOf(login: string): string {
    return this.postgres.url.replace('//postgres@', `//${login}@`);
  }

  #assessmentOf(id: string) {
    const evidence = this.#evidence.get(id);
    if (evidence === undefined) throw new Error('there is no such request');
    return evidence.assessment;
  }
}

function evidenceOf(id: string, statements: readonly string[], role: string | null): Evidence {
  const { evidence } = permittedCase({ id, account: 'atlas', role: OWNER });
  const request = sampleRequest({
    id,
    kind: 'execution',
    entitlement: { connector: 'changes', resource: 'payments-schema', action: 'migrate' },
    parameters: {
      tool: 'sql-migration',
      toolVersion: '1',
      target: 'payments',
      arguments: { statements: [...statements] },
    },
    containment: 'stop the release',
    rollback: 'run the reverse change',
    submittedAtMs: Date.now() - 1_000,
  });
  const grant = { audience: AUDIENCE, ...(role !== null && { role }) };
  const assessment = { ...evidence.assessment, binding: { account: 'atlas', grant } };
  return { ...evidence, submission: { ...evidence.submission, request }, assessment };
}
