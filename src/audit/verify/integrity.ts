import { isUnicode, textsIn } from '../../domain/characters';
import { decide } from '../../domain/decide';
import { digestOf } from '../../domain/digest';
import { evolve } from '../../domain/evolve';
import type { RequestState } from '../../domain/state';
import { chainHash, chainStart, sealOf } from '../evidence/chain';
import { evidenceText } from '../evidence/file';
import { policyDigestOf } from '../evidence/policy';
import { firstDifference } from '../evidence/recheck';
import type { EvidenceFile } from '../evidence/schema';
import { type Finding, finding } from './finding';

/** Checks that the text is the canonical form of this evidence. */
export function* checkForm(evidence: EvidenceFile, text: string): Generator<Finding> {
  yield* halfCharacters(evidence);
  const expected = evidenceText(evidence);
  if (text === expected) return;
  let at = 0;
  while (text[at] === expected[at]) at += 1;
  yield finding('form', `byte ${Buffer.byteLength(text.slice(0, at))}`, 'this is not canonical JSON');
}

/**
 * Finds texts for which there is no canonical JSON (RFC 8785 section 3.2.2.2), so that other programs refuse the file. Requests
 * and statements were taken with them once; what was decided about them is checked all the same.
 */
function* halfCharacters(evidence: EvidenceFile): Generator<Finding> {
  const places = new Set<string>();
  for (const { path, text } of textsIn(evidence)) if (!isUnicode(text)) places.add(path.join('.'));
  for (const place of [...places].slice(0, 8))
    yield finding('form', place, 'it is not canonical JSON: a text in it has half of a character');
}

export function* checkSeal(evidence: EvidenceFile): Generator<Finding> {
  if (sealOf(evidence) !== evidence.seal)
    yield finding('seal', 'seal', 'the seal does not match; something was changed after sealing');
}

export function* checkChain({ request, steps, head }: EvidenceFile): Generator<Finding> {
  let previous = chainStart(request);
  for (const [step, { events }] of steps.entries())
    for (const [index, { event, hash }] of events.entries()) {
      if (chainHash(previous, event) !== hash)
        yield finding(
          'chain',
          `steps[${step}].events[${index}].hash`,
          'this is not the hash of the event and the hash before it',
        );
      previous = hash;
    }
  if (head !== previous) yield finding('chain', 'head', 'this is not the hash of the last event');
}

/** Checks the digests of policies, and that no version is there twice. The digest of a directory covers more than its excerpt. */
export function* checkDigests({ policies, directories }: EvidenceFile): Generator<Finding> {
  for (const [index, { digest, files }] of policies.entries())
    if (policyDigestOf(files) !== digest)
      yield finding('versions', `policies[${index}]`, `these files have the digest ${policyDigestOf(files)}`);
  for (const [list, digests] of Object.entries({ policies, directories }))
    if (new Set(digests.map(({ digest }) => digest)).size !== digests.length)
      yield finding('versions', list, 'a version is there twice');
}

/** Checks that folding `decide` over the commands gives the recorded events. */
export function* checkDecisions({ request, status, steps }: EvidenceFile): Generator<Finding> {
  let state: RequestState | null = null;
  let latestMs = 0;
  for (const [index, { command, events: recorded, received }] of steps.entries()) {
    const where = `steps[${index}]`;
    if (command.atMs < latestMs) yield finding('decisions', `${where}.command.atMs`, 'time runs backwards');
    latestMs = command.atMs;
    if ((received !== undefined) !== (command.type === 'consider'))
      yield finding(
        'decisions',
        `${where}.received`,
        'only a command that considers a statement has a received message',
      );
    const events = decide(state, command);
    for (const event of events) state = evolve(state, event);
    const difference = firstDifference(
      recorded.map(({ event }) => event),
      events,
    );
    if (difference !== undefined)
      yield finding(
        'decisions',
        `${where}.events.${difference}`,
        `the command ${command.type} leads to other events`,
      );
  }
  if (state?.status !== status)
    yield finding('decisions', 'status', `the steps lead to ${state?.status ?? 'nothing'}`);
  if (state === null || state.phase === 'unread') return;
  const { submission, digest } = state;
  if (submission.request.id !== request)
    yield finding('decisions', 'request', `the steps are of the request ${submission.request.id}`);
  if (digestOf(submission.request) !== digest)
    yield finding('decisions', 'steps[0]', 'the digest is not the digest of the request');
}

/**
 * Checks the seal, the hash chain and the sequence of steps. Returns the first finding, or undefined. It is quick and detects
 * a damaged file; only a full verification shows whether the content is true.
 */
export function firstUnsound(evidence: EvidenceFile): Finding | undefined {
  try {
    for (const check of [checkSeal, checkChain, checkDigests, checkDecisions])
      for (const first of check(evidence)) return first;
    return undefined;
  } catch (error) {
    return finding(
      'decisions',
      'the whole',
      error instanceof Error ? error.message : 'the steps cannot be decided again',
    );
  }
}
