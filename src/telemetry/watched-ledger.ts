import type { Ledger } from '../domain/precedents';
import type { MetricsSink } from './catalogue';

/** The same ledger; calls that fail are counted on their way to the caller. */
export function watchedLedger(ledger: Ledger, { record }: MetricsSink): Ledger {
  const watched = <T>(operation: keyof Ledger, call: Promise<T>): Promise<T> =>
    call.catch((error: unknown) => {
      record('countersign_ledger_errors_total', 1, { operation });
      throw error;
    });
  return {
    ask: (entry) => watched('ask', ledger.ask(entry)),
    assessed: (digest, assessment) => watched('assessed', ledger.assessed(digest, assessment)),
    ended: (...about) => watched('ended', ledger.ended(...about)),
    granted: (entry) => watched('granted', ledger.granted(entry)),
    neverGranted: (given) => watched('neverGranted', ledger.neverGranted(given)),
    over: (request, atMs) => watched('over', ledger.over(request, atMs)),
    openGrants: (atMs) => watched('openGrants', ledger.openGrants(atMs)),
    grantsOf: (request) => watched('grantsOf', ledger.grantsOf(request)),
    grantOf: (digest) => watched('grantOf', ledger.grantOf(digest)),
    reviewed: (...about) => watched('reviewed', ledger.reviewed(...about)),
    reportDenial: (report) => watched('reportDenial', ledger.reportDenial(report)),
    signed: (...about) => watched('signed', ledger.signed(...about)),
    reviewsOwed: (atMs) => watched('reviewsOwed', ledger.reviewsOwed(atMs)),
  };
}
