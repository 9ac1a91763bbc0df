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

/** Whether the text is the one way to write this evidence. */
export function* checkForm(evidence: EvidenceFile, text: string): Generator<Finding> {
  const expected = evidenceText(evidence);
  if (text === expected) return;
  let at = 0;
  while (text[at] === expected[at]) at += 1;
  yield finding(
    'form',
    `byte ${Buffer.byteLength(text.slice(0, at))}`,
    'this is not how evidence is written',
  );
}

export function* checkSeal(evidence: EvidenceFile): Generator<Finding> {
  if (sealOf(evidence) !== evidence.seal)
    yield finding('seal', 'seal', 'the content is not what was sealed; something in it was changed');
}

export function* checkChain({ request, steps, head }: EvidenceFile): Generator<Finding> {
  let previous = chainStart(request);
  for (const [step, { events }] of steps.entries())
    for (const [index, { event, hash }] of events.entries()) {
      if (chainHash(previous, event) !== hash)
        yield finding(
          'chain',
          `steps[${step}].events[${index}].hash`,
          'it is not the hash of this event over the one before',
        );
      previous = hash;
    }
  if (head !== previous) yield finding('chain', 'head', 'it is not the hash of the last event');
}

/** Versions of policy are named by what they hold; of the directory only the excerpt is here. */
export function* checkDigests({ policies, directories }: EvidenceFile): Generator<Finding> {
  for (const [index, { digest, files }] of policies.entries())
    if (policyDigestOf(files) !== digest)
      yield finding('books', `policies[${index}]`, `these files have the digest ${policyDigestOf(files)}`);
  for (const [list, digests] of Object.entries({ policies, directories }))
    if (new Set(digests.map(({ digest }) => digest)).size !== digests.length)
      yield finding('books', list, 'a version is there twice');
}

/** Folds `decide` over the commands again. */
export function* checkCourse({ request, status, steps }: EvidenceFile): Generator<Finding> {
  let state: RequestState | null = null;
  let latestMs = 0;
  for (const [index, { command, events: recorded, received }] of steps.entries()) {
    const where = `steps[${index}]`;
    if (command.atMs < latestMs) yield finding('course', `${where}.command.atMs`, 'time runs backwards');
    latestMs = command.atMs;
    if ((received !== undefined) !== (command.type === 'consider'))
      yield finding('course', `${where}.received`, 'a message belongs to a statement, and to nothing else');
    const events = decide(state, command);
    for (const event of events) state = evolve(state, event);
    const found = firstDifference(
      recorded.map(({ event }) => event),
      events,
    );
    if (found !== undefined)
      yield finding(
        'course',
        `${where}.events.${found}`,
        `the command ${command.type} does not lead to this`,
      );
  }
  if (state?.status !== status)
    yield finding('course', 'status', `the course leads to ${state?.status ?? 'nothing'}`);
  const { submission, digest } = state ?? {};
  if (submission !== undefined && submission.request.id !== request)
    yield finding('course', 'request', `the course is that of ${submission.request.id}`);
  if (submission !== undefined && digestOf(submission.request) !== digest)
    yield finding('course', 'steps[0]', 'the digest is not that of the request');
}
