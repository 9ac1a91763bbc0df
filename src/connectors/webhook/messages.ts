import { z } from 'zod';
import { LIMITS } from '../../domain/limits';

/** The version of the contract between Countersign and a service. It stands in every message. */
export const CONTRACT_VERSION = 1;

const text = z.string().min(1).max(LIMITS.foreignNameCharacters);
const grant = z.record(text, text);

/** What a service is sent, by the type of the message. `docs/targets/webhook.openapi.yaml` says the same to its authors. */
export type WebhookMessage =
  | { readonly type: 'access.check'; readonly account: string; readonly grant: Grant }
  | {
      readonly type: 'access.give';
      readonly leaseId: string;
      readonly account: string;
      readonly grant: Grant;
      readonly expiresAt: string;
    }
  | {
      readonly type: 'access.take';
      readonly leaseId: string;
      readonly account: string;
      readonly grant: Grant;
    }
  | { readonly type: 'access.list'; readonly grants: readonly Grant[] };

type Grant = Readonly<Record<string, string>>;

/** What a service answers to `access.check`. */
export const checkAnswer = z.object({
  held: z.boolean(),
  /** Why the access cannot be given. Absent if it can. */
  refused: z.string().min(1).max(300).exactOptional(),
});

/** What a service answers to `access.list`. */
export const listAnswer = z.object({
  access: z.array(z.object({ account: text, grant, leaseId: text.exactOptional() })).max(100_000),
});

/** What a service may say with any status that is not 200. */
export const refusalAnswer = z.object({ error: z.string().min(1) });
