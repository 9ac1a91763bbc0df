import { requestId } from '../contracts/request';
import { usageError } from './output';

/** Checks that something can be the id of a request, before anybody is asked for it. @throws UserError of wrong usage */
export function checkRequestId(id: string): void {
  if (!requestId.safeParse(id).success)
    throw usageError(`${JSON.stringify(id)} is not a request id (8 to 64 letters, digits, - and _)`);
}
