import { z } from 'zod';
import { identifier, principalId, text } from '../contracts/request';
import { webAddress } from './web-address';

/** Algorithms that callers' tokens may use. All are asymmetric, so a public key can never be taken for a shared secret. */
const TOKEN_ALGORITHMS = ['ES256', 'ES384', 'RS256', 'PS256', 'EdDSA'] as const;

/** GitHub's and GitLab's ids are texts of digits in their tokens, and numbers in a file whose writer did not quote them. */
const claim = z.union([text(512), z.int().nonnegative().transform(String)]);

const claims = z
  .record(identifier, claim)
  .refine((named) => Object.keys(named).length > 0, 'must name at least one claim');

const identitySchema = z.strictObject({ principal: principalId, claims });

/** Claims that a mapping must fix, one combination of them. Otherwise anyone with an account at the issuer could be the identity. */
const DECISIVE: Readonly<Record<string, readonly (readonly string[])[]>> = {
  oauth: [['sub'], ['client_id'], ['azp']],
  'github-actions': [
    ['repository', 'ref'],
    ['repository', 'environment'],
    ['repository_id', 'ref'],
    ['repository_id', 'environment'],
    ['sub'],
  ],
  'gitlab-ci': [
    ['project_id', 'ref', 'ref_type'],
    ['project_id', 'environment'],
    ['project_path', 'ref', 'ref_type'],
    ['project_path', 'environment'],
    ['sub'],
  ],
  spiffe: [['sub']],
};

/** An issuer of callers' tokens, and which of them are which identity. */
export const issuerSchema = z
  .strictObject({
    kind: z.enum(['oauth', 'github-actions', 'gitlab-ci', 'spiffe']),
    /** The `iss` of its tokens; for SPIFFE the trust domain, as in spiffe://example.org. */
    issuer: text(512),
    jwksUri: webAddress.exactOptional(),
    jwksFile: z.string().min(1).exactOptional(),
    audience: text(512),
    algorithms: z.array(z.enum(TOKEN_ALGORITHMS)).min(1).default(['ES256', 'RS256']),
    identities: z.array(identitySchema).min(1).max(10_000),
  })
  .refine((issuer) => issuer.jwksUri !== undefined || issuer.jwksFile !== undefined, {
    path: ['jwksUri'],
    message: 'is missing; say where the keys of the issuer are, by jwksUri or jwksFile',
  })
  .superRefine(({ kind, issuer, identities }, context) => {
    for (const [index, { claims: named }] of identities.entries())
      if (!DECISIVE[kind]?.some((needed) => needed.every((name) => named[name] !== undefined)))
        context.addIssue({
          code: 'custom',
          path: ['identities', index, 'claims'],
          message: `is too wide for ${kind}: name ${DECISIVE[kind]?.map((one) => one.join(' and ')).join(', or ')}`,
        });
    if (kind === 'spiffe' && !/^spiffe:\/\/[a-z0-9._-]+$/.test(issuer))
      context.addIssue({
        code: 'custom',
        path: ['issuer'],
        message: 'must be a trust domain, spiffe://NAME',
      });
  });
export type IssuerConfig = z.output<typeof issuerSchema>;

/** What a platform never gives to another repository or owner. A name is free again once its repository is deleted or renamed. */
const LASTING: Readonly<Record<string, { readonly ids: readonly string[]; readonly add: string }>> = {
  'github-actions': {
    ids: ['repository_id', 'repository_owner_id'],
    add: 'repository_id, which gh api repos/OWNER/NAME --jq .id prints',
  },
  'gitlab-ci': {
    ids: ['project_id', 'namespace_id'],
    add: 'project_id, which the page of the project shows',
  },
};

/** Returns a warning for each identity that is recognised by names which somebody else could come to have. */
export function warningsAbout(issuers: readonly IssuerConfig[]): readonly string[] {
  return issuers.flatMap(({ kind, identities }, issuer) =>
    identities.flatMap(({ principal, claims: named }, index) => {
      const lasting = LASTING[kind];
      if (lasting === undefined || lasting.ids.some((name) => named[name] !== undefined)) return [];
      const where = `issuers[${issuer}].identities[${index}]`;
      const by = Object.keys(named).join(', ');
      return [
        `${where}: ${principal} is recognised by names alone (${by}), so it would also be whoever makes a repository of that name after this one is deleted or renamed; add ${lasting.add}`,
      ];
    }),
  );
}
