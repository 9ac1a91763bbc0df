import { type RegisterRow, registerRowSchema } from '../../contracts/enrolment';
import { decodeRow } from '../../directory/register/row';
import { readBody } from '../../gateway/http/body';
import { HttpProblem } from '../../gateway/http/problem';
import { addRow } from '../../gateway/routes/enrolment';
import type { IdentityProvider } from '../identity-provider';
import type { PageRoutes } from '../page-routes';
import { enrolView } from '../pages/enrol';
import type { Visitor } from '../sessions';

/** Adds the page of an invitation. Where there is an identity provider, only who signed in there as the invited person registers. */
export function addEnrol(routes: PageRoutes, provider: IdentityProvider | undefined): void {
  routes.open('GET', '/enrol', async (c) => {
    const visitor = provider && (await routes.visitor(c));
    return routes.show(c, enrolView(provider && { title: provider.title, visitor }));
  });
  if (provider === undefined) return;
  routes.guarded('POST', '/enrol/keys', async (c, visitor) => {
    const row = await readBody(c, registerRowSchema);
    refuseOthers(row, visitor);
    return c.json(await addRow(routes.gateway.enrolment, row), 201);
  });
}

/** @throws HttpProblem 403 unless the provider recognised exactly the person whom the registration names, and it says so */
function refuseOthers(value: RegisterRow, { person, seen }: Visitor): void {
  const row = decodeRow(value);
  if (row?.kind !== 'registered' || row.invitation === undefined)
    throw new HttpProblem(400, 'it is not a registration by an invitation');
  const { sub, seen: said } = row.registration.claims;
  if (seen === undefined)
    throw new HttpProblem(403, 'sign in at the identity provider first', { code: 'WEAK_ASSURANCE' });
  if (sub !== person)
    throw new HttpProblem(403, `the identity provider knows you as ${person}; the invitation is for ${sub}`, {
      code: 'NOT_ELIGIBLE',
    });
  if (said?.issuer !== seen.issuer || said.subject !== seen.subject)
    throw new HttpProblem(403, 'the registration says another sign-in than yours', { code: 'BAD_SIGNATURE' });
}
