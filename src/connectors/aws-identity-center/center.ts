import { setTimeout as sleep } from 'node:timers/promises';
import { DescribeUserCommand, GetUserIdCommand, IdentitystoreClient } from '@aws-sdk/client-identitystore';
import {
  CreateAccountAssignmentCommand,
  DeleteAccountAssignmentCommand,
  DescribeAccountAssignmentCreationStatusCommand,
  DescribeAccountAssignmentDeletionStatusCommand,
  DescribePermissionSetCommand,
  paginateListAccountAssignments,
  SSOAdminClient,
} from '@aws-sdk/client-sso-admin';
import { z } from 'zod';
import { TargetUnavailable } from '../../database/unavailable';

export interface AwsSettings {
  readonly region: string;
  readonly instance: string;
  readonly identityStore: string;
}

/** A permission set on an account of the organisation. */
export interface Assignment {
  readonly account: string;
  readonly permissionSet: string;
}

const WITHIN_MS = 4_000;
/** AWS carries an assignment out after it has answered. This long its status is asked; after it, the caller asks again. */
const CARRIED_OUT_WITHIN_MS = 4_000;
const ASK_EVERY_MS = 250;
const MESSAGE_CHARACTERS = 300;
/** Errors that no retry mends: wrong or no credentials, a missing right, a name that is not there. */
const PERMANENT =
  /^(?:AccessDenied|ResourceNotFound|Validation|UnrecognizedClient|InvalidSignature|InvalidClientTokenId|ExpiredToken|CredentialsProvider)/;

interface Status {
  readonly Status?: string | undefined;
  readonly RequestId?: string | undefined;
  readonly FailureReason?: string | undefined;
}

/** Account assignments of an instance of IAM Identity Center, with the default chain of credentials. */
export class IdentityCenter {
  readonly #sso: SSOAdminClient;
  readonly #store: IdentitystoreClient;

  constructor(private readonly settings: AwsSettings) {
    const { region } = settings;
    // Without the last one the SDK only warns, and goes on waiting.
    const requestHandler = {
      requestTimeout: WITHIN_MS,
      connectionTimeout: WITHIN_MS,
      throwOnRequestTimeout: true,
    };
    // The lease book retries, and holds a lock while it waits.
    const common = { region, maxAttempts: 1, requestHandler };
    this.#sso = new SSOAdminClient(common);
    this.#store = new IdentitystoreClient(common);
  }

  /** Returns the name of a permission set, or undefined if there is none. */
  permissionSet(arn: string): Promise<string | undefined> {
    const input = { InstanceArn: this.settings.instance, PermissionSetArn: arn };
    return orMissing(async () => {
      const { PermissionSet } = await this.#sso.send(new DescribePermissionSetCommand(input));
      return PermissionSet?.Name;
    });
  }

  /** Returns the id of a user, or undefined if there is none of this name. */
  userId(name: string): Promise<string | undefined> {
    const attribute = { AttributePath: 'userName', AttributeValue: name };
    return orMissing(async () => {
      const { UserId } = await this.#store.send(
        new GetUserIdCommand({
          IdentityStoreId: this.settings.identityStore,
          AlternateIdentifier: { UniqueAttribute: attribute },
        }),
      );
      return UserId;
    });
  }

  /** Returns the name of a user, or undefined if there is none with this id. */
  userName(id: string): Promise<string | undefined> {
    return orMissing(async () => {
      const { UserName } = await this.#store.send(
        new DescribeUserCommand({ IdentityStoreId: this.settings.identityStore, UserId: id }),
      );
      return UserName;
    });
  }

  /** Lists the ids of the users and groups that have an assignment. */
  async holders({ account, permissionSet }: Assignment): Promise<readonly AssignedPrincipal[]> {
    const input = {
      ...{ InstanceArn: this.settings.instance, AccountId: account },
      PermissionSetArn: permissionSet,
    };
    return speaking(async () => {
      const held: AssignedPrincipal[] = [];
      for await (const page of paginateListAccountAssignments({ client: this.#sso, pageSize: 100 }, input))
        for (const { PrincipalId: id, PrincipalType: type } of page.AccountAssignments ?? [])
          if (id !== undefined) held.push({ id, isUser: type === 'USER' });
      return held;
    });
  }

  /** Assigns, and waits until it is so. */
  async assign(assignment: Assignment, userId: string): Promise<void> {
    await speaking(async () => {
      const created = await this.#sso.send(
        new CreateAccountAssignmentCommand(this.#input(assignment, userId)),
      );
      await this.#carriedOut(created.AccountAssignmentCreationStatus, async (id) => {
        const input = { InstanceArn: this.settings.instance, AccountAssignmentCreationRequestId: id };
        const answer = await this.#sso.send(new DescribeAccountAssignmentCreationStatusCommand(input));
        return answer.AccountAssignmentCreationStatus;
      });
    });
  }

  /** Takes an assignment away, and waits until it is so. */
  async unassign(assignment: Assignment, userId: string): Promise<void> {
    await speaking(async () => {
      const deleted = await this.#sso.send(
        new DeleteAccountAssignmentCommand(this.#input(assignment, userId)),
      );
      await this.#carriedOut(deleted.AccountAssignmentDeletionStatus, async (id) => {
        const input = { InstanceArn: this.settings.instance, AccountAssignmentDeletionRequestId: id };
        const answer = await this.#sso.send(new DescribeAccountAssignmentDeletionStatusCommand(input));
        return answer.AccountAssignmentDeletionStatus;
      });
    });
  }

  close(): void {
    this.#sso.destroy();
    this.#store.destroy();
  }

  async #carriedOut(
    first: Status | undefined,
    ask: (requestId: string) => Promise<Status | undefined>,
  ): Promise<void> {
    const untilMs = Date.now() + CARRIED_OUT_WITHIN_MS;
    for (let status = first; status?.Status === 'IN_PROGRESS'; status = await ask(status.RequestId ?? '')) {
      if (Date.now() > untilMs) throw new TargetUnavailable('AWS has not carried the change out yet');
      await sleep(ASK_EVERY_MS);
    }
    if (first?.Status === 'FAILED')
      throw new TargetUnavailable(`AWS refused: ${oneLine(first.FailureReason ?? 'no reason given')}`);
  }

  #input({ account, permissionSet }: Assignment, userId: string) {
    return {
      ...{ InstanceArn: this.settings.instance, TargetId: account, TargetType: 'AWS_ACCOUNT' as const },
      ...{ PermissionSetArn: permissionSet, PrincipalType: 'USER' as const, PrincipalId: userId },
    };
  }
}

export interface AssignedPrincipal {
  readonly id: string;
  /** False for a group. */
  readonly isUser: boolean;
}

/** Returns undefined if AWS says that there is no such thing. */
async function orMissing<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await speaking(work);
  } catch (error) {
    if (error instanceof Error && /^AWS refused: ResourceNotFound/.test(error.message)) return undefined;
    throw error;
  }
}

/** @throws TargetUnavailable with the words of AWS, without an address or a secret */
async function speaking<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TargetUnavailable) throw error;
    const { name = 'Error', message = '' } = error instanceof Error ? error : {};
    if (!isAnswer(error) && !PERMANENT.test(name)) throw new TargetUnavailable('AWS cannot be reached');
    throw new TargetUnavailable(
      `AWS refused: ${oneLine(`${name.replace(/(?:Exception|Error)$/, '')} ${message}`)}`,
      undefined,
      PERMANENT.test(name),
    );
  }
}

/** True if AWS answered with an error. The SDK wraps those of the network too, without a status. */
const isAnswer = (error: unknown): boolean => answered.safeParse(error).success;
const answered = z.object({ $metadata: z.object({ httpStatusCode: z.number() }) });

const oneLine = (text: string): string => text.replace(/\s+/g, ' ').trim().slice(0, MESSAGE_CHARACTERS);
