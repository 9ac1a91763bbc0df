import type { RequestRow } from '../client';
import { CountersignError } from '../contracts/error';
import { requestId } from '../contracts/request';
import { UserError, usageError } from './output';
import type { Requests } from './requests';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const BEGINNING = /^[A-Za-z0-9_-]{4,64}$/;
/** Marks an id as whole, for an id that other ids begin with. */
const WHOLE = 'id:';
const CANDIDATES_SHOWN = 8;
const SHORTEST = 8;

/** Checks an id, or the beginning of one, before anything is connected. @throws UserError of wrong usage */
export function checkRequestId(text: string): void {
  if (text.startsWith(WHOLE) ? isWhole(text.slice(WHOLE.length)) : BEGINNING.test(text)) return;
  throw usageError(
    `${JSON.stringify(text)} is not a request id, nor the beginning of one (4 to 64 letters, digits, - and _)`,
  );
}

/**
 * Finds the request that an id, or the beginning of an id, stands for. A requester chooses the id of a request, so a
 * whole id has no precedence over longer ones: what an approver means must not depend on an id that somebody else made up
 * afterwards. `id:ID` stands for exactly that id, and so does a UUID.
 *
 * @throws UserError `AMBIGUOUS`, with the candidates, if several ids begin like this
 */
export async function resolveRequestId(
  client: Pick<Requests, 'list' | 'submissionOf'>,
  text: string,
): Promise<string> {
  checkRequestId(text);
  if (text.startsWith(WHOLE)) return text.slice(WHOLE.length);
  if (UUID.test(text)) return text;
  const rows = await client.list({ idPrefix: text, limit: CANDIDATES_SHOWN + 1 });
  // The list lags behind, so a request that is not on it yet may have exactly this id.
  const isExact = rows.some(({ id }) => id === text) || (isWhole(text) && (await exists(client, text)));
  const longer = rows.filter(({ id }) => id !== text);
  const [only] = longer;
  if (isExact && only === undefined) return text;
  if (only !== undefined && longer.length === 1 && !isExact) return only.id;
  if (only === undefined)
    throw new CountersignError('NOT_FOUND', `there is no request ${text}, nor one that begins so`);
  throw new UserError(sayAmbiguous(text, rows, isExact), 1, 'AMBIGUOUS');
}

function sayAmbiguous(text: string, rows: readonly RequestRow[], isExact: boolean): string {
  const shown = rows
    .slice(0, CANDIDATES_SHOWN)
    .map(
      ({ id, status, entitlement, beneficiary }) => `${id} (${status}, ${entitlement} for ${beneficiary})`,
    );
  const more = rows.length > CANDIDATES_SHOWN ? ', and more' : '';
  const whole = isExact ? `; for the request with exactly this id write ${WHOLE}${text}` : '';
  return `AMBIGUOUS: ${text} is the beginning of several request ids: ${shown.join(', ')}${more}${whole}`;
}

const isWhole = (text: string): boolean => requestId.safeParse(text).success;

async function exists(client: Pick<Requests, 'list' | 'submissionOf'>, id: string): Promise<boolean> {
  try {
    await client.submissionOf(id);
    return true;
  } catch (error) {
    if (error instanceof CountersignError && error.code === 'NOT_FOUND') return false;
    throw error;
  }
}

/** Shortens each id to a beginning that no other of them has: 8 characters, or more if they are needed. */
export function shortIds(ids: readonly string[]): (id: string) => string {
  return (id) => {
    for (let length = SHORTEST; length < id.length; length += 1) {
      const beginning = id.slice(0, length);
      if (ids.every((other) => other === id || !other.startsWith(beginning))) return beginning;
    }
    return id;
  };
}
