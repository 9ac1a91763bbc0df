import { requestDigest } from '../domain/digest';
import type { AskEntry } from '../domain/precedents';
import type { AccessRequest } from '../domain/request';
import type { PolicyBook } from './assess';
import { guardsOf } from './bearing';
import { partiesOf } from './eligibility';

/** A request as it is put on record. What bears on it goes back as far as the longest of the bundle's windows. */
export function entryOf(book: PolicyBook, request: AccessRequest, atMs: number): AskEntry {
  const entry = book.catalog.entry(request.entitlement);
  const control = entry?.weakens?.control;
  return {
    request,
    digest: requestDigest(request),
    parties: [...new Set(partiesOf(request, book.directory).map((party) => party.id))],
    ...(control !== undefined && { control }),
    guardedBy: entry === undefined ? [] : guardsOf(entry),
    withinMs: Math.max(book.askingAgain.within, book.emergencies.within),
    atMs,
  };
}
