import { z } from 'zod';
import { keyIdSchema, type RegisterRow } from '../../contracts/enrolment';
import { SILENT_LOGGER } from '../../contracts/logger';
import { Enrolment, type KeyView } from '../../directory/register/enrolment';
import { Register } from '../../directory/register/register';
import type { PrincipalId } from '../../domain/principal';
import { REFUSAL_CODES } from '../../domain/refusal';
import { callGateway, identifierOf } from '../../enforcement';
import { registerAddress } from '../../ledger';
import { FileTicketSource, loadBundle } from '../../policy';
import { rowSignatures } from '../../signing/enrolment';
import { signCallerToken } from '../../signing/sign';
import type { Context } from '../context';
import { calling } from '../gateway-calls';
import { UserError, usageError } from '../output';
import { findSigner } from '../signer';
import type { KeysOptions } from './options';

/** The register of enrolled passkeys, at a gateway or in its database. */
export interface KeysBackend {
  /** The keys of one person, or all that the caller may see. */
  keys(person?: PrincipalId): Promise<readonly KeyView[]>;
  add(row: RegisterRow): Promise<KeyView>;
}

const refusalSchema = z.object({ code: z.enum(REFUSAL_CODES), detail: z.string() });
const keyViewSchema = z.object({
  keyId: keyIdSchema,
  person: z.string(),
  state: z.enum(['counts', 'retired', 'awaits-endorsement', 'refused']),
  label: z.string().exactOptional(),
  origin: z.string(),
  enrolledAt: z.string(),
  vouchedBy: z.array(z.string()),
  registration: z.string(),
  refusal: refusalSchema.exactOptional(),
}) satisfies z.ZodType<KeyView>;

const listSchema = z.object({ keys: z.array(keyViewSchema) });

/** Runs something with the register that the options or the settings name. */
export async function withKeys<T>(
  options: KeysOptions,
  context: Context,
  use: (backend: KeysBackend) => Promise<T>,
): Promise<T> {
  const {
    registerUrl,
    gateway = registerUrl === undefined ? context.settings.COUNTERSIGN_GATEWAY : undefined,
  } = options;
  if (registerUrl !== undefined && gateway !== undefined)
    throw usageError('give --gateway or --register-url, not both');
  if (gateway !== undefined) return use(atGateway(gateway, options, context));
  return inDatabase(registerUrl, context, use);
}

function atGateway(address: string, options: KeysOptions, context: Context): KeysBackend {
  const gateway = URL.canParse(address) ? identifierOf(address) : undefined;
  if (gateway === undefined)
    throw usageError('--gateway: not an address such as https://countersign.example');
  const token = async () => {
    const { principal, key } = await findSigner(options, context);
    return signCallerToken(principal, gateway, key, { nowMs: Date.now(), lifeMs: 60_000 });
  };
  return {
    keys: async (person) => {
      const list = async (query: string) =>
        listSchema.parse(
          await calling(async () =>
            callGateway(gateway, 'GET', `/v1/keys?${query}`, { token: await token() }),
          ),
        ).keys;
      if (person !== undefined) return list(`person=${encodeURIComponent(person)}`);
      return list('all=true').catch((error: unknown) => {
        // Who does not govern has keys of their own.
        if (error instanceof UserError && error.code === 'NOT_GOVERNANCE') return list('');
        throw error;
      });
    },
    add: async (row) =>
      keyViewSchema.parse(await calling(() => callGateway(gateway, 'POST', '/v1/keys', { body: row }))),
  };
}

async function inDatabase<T>(
  given: string | undefined,
  { settings, env }: Context,
  use: (backend: KeysBackend) => Promise<T>,
): Promise<T> {
  const loaded = await loadBundle(settings.COUNTERSIGN_BUNDLE, new FileTicketSource(undefined));
  if (!loaded.ok)
    throw new UserError(
      `the bundle ${settings.COUNTERSIGN_BUNDLE} is not valid; run countersign policy check`,
    );
  const url = given ?? addressIn(loaded.bundle.connectors, env);
  const register = new Register({ url, logger: SILENT_LOGGER });
  const enrolment = new Enrolment({ register, file: async () => loaded.bundle.file, holds: rowSignatures() });
  try {
    return await use({
      keys: async (person) => {
        const keys = await enrolment.keys(person);
        if (register.readAtMs === undefined)
          throw new UserError('the register cannot be reached', 1, 'UNREACHABLE');
        return keys;
      },
      add: async (row) => {
        const added = await enrolment.add(row);
        if (added.ok) return added.value;
        const { code, detail } = added.refusal;
        throw new UserError(`${code}: ${detail}`, 1, code);
      },
    });
  } finally {
    await register.close();
  }
}

function addressIn(...args: Parameters<typeof registerAddress>): string {
  try {
    return registerAddress(...args);
  } catch {
    throw usageError(
      'say where the register is: --gateway URL, or --register-url (COUNTERSIGN_REGISTER_URL)',
    );
  }
}

/**
 * Finds the key whose id begins with `typed`.
 *
 * @throws UserError if there is none, or more than one
 */
export function findKeyView(keys: readonly KeyView[], typed: string): KeyView {
  const found = keys.filter(({ keyId }) => keyId.startsWith(typed));
  const [only] = found.filter(({ keyId }) => keyId === typed).concat(found);
  if (only === undefined)
    throw new UserError(`no enrolled key begins with ${typed}; see countersign keys list`, 1, 'NOT_FOUND');
  if (only.keyId !== typed && new Set(found.map(({ keyId }) => keyId)).size > 1)
    throw new UserError(`${typed} is the beginning of several keys; write more of it`, 1, 'AMBIGUOUS');
  return only;
}
