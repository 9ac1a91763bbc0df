import { describeFinding, type RecordedFinding } from '../audit/evidence/recorded-findings';
import type { Remains } from '../verified/gone';
import type { Context } from './context';
import { goneLine, sayRemains } from './gone';
import { type CommandResult, done, printable } from './output';
import { renderRequest } from './render';
import type { ReadRequest } from './verified';

/** Shows a request, and says what of it is proved. */
export async function shown(
  id: string,
  { view, proof, gone }: ReadRequest,
  { terminal }: Context,
  findings: readonly RecordedFinding[] = [],
  remains?: Remains,
): Promise<CommandResult> {
  const { describeProof } = await import('./verified.js');
  const { before, after } = describeProof(proof);
  const lines = [
    ...before.map(printable),
    ...renderRequest(view, Date.now(), terminal),
    ...findings.map((one) => printable(`  ${describeFinding(one)}`)),
    ...after,
    ...(remains === undefined ? [] : [...sayRemains(remains, Date.now())].map(printable)),
    ...(gone === undefined ? [] : [printable(goneLine(gone.says))]),
  ];
  const left = remains ?? gone;
  return done(
    { id, ...view, proof, ...(findings.length > 0 && { findings }), ...(left && { gone: left }) },
    ...lines,
  );
}
