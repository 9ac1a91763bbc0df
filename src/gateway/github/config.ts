import { z } from 'zod';
import { durationUpTo } from '../../contracts/duration';
import { entitlementText, label, paragraph, principalId } from '../../contracts/request';
import { LIMITS } from '../../domain/limits';
import { webAddress } from '../web-address';

const DAY_MS = 86_400_000;
const githubId = z.int().positive().max(Number.MAX_SAFE_INTEGER);

/** One environment of one repository, and what a deployment to it asks for. */
const deploymentSchema = z.strictObject({
  /** Owner and name, as GitHub spells them now. */
  repository: z
    .string()
    .max(200)
    .regex(/^[\w.-]+\/[\w.-]+$/, 'is not of the form owner/name'),
  /** What no other repository ever has. A name is free again once its repository is deleted or renamed. */
  repositoryId: githubId,
  /** The installation of the App for this repository. */
  installation: githubId,
  environment: label(255),
  /** The identity in whose name the deployment asks. */
  as: principalId.refine((id) => !id.startsWith('person/'), 'is a person; a deployment asks as a workload'),
  entitlement: entitlementText,
  for: durationUpTo(LIMITS.grantMs),
  /** For an entitlement that is an exact action: the call, to which repository, environment, commit, run and deployment are added. */
  action: z
    .strictObject({
      tool: label(LIMITS.identifierCharacters),
      version: label(LIMITS.identifierCharacters),
      target: label(LIMITS.identifierCharacters),
      containment: paragraph(LIMITS.reasonCharacters),
      rollback: paragraph(LIMITS.reasonCharacters),
    })
    .exactOptional(),
});
export type DeploymentRule = z.output<typeof deploymentSchema>;

/** `github` in `gateway.yaml`: an App whose deployment protection rule this gateway answers. */
export const githubSchema = z
  .strictObject({
    /** The App's client id, or its number. */
    app: z.union([label(64), githubId.transform(String)]),
    /** Its private key, as GitHub gives it (PEM). */
    keyFile: z.string().min(1),
    webhookSecretFile: z.string().min(1),
    /** Where GitHub's API is. Nothing is ever sent elsewhere. */
    apiUrl: webAddress
      .refine((url) => !/[?#@]/.test(url), 'must have no query, fragment or user')
      .default('https://api.github.com')
      .transform((url) => url.replace(/\/+$/, '')),
    /** Deployments that are older when they arrive are refused. GitHub delivers again for three days. */
    replayWithin: durationUpTo(30 * DAY_MS).default(3 * DAY_MS),
    deployments: z.array(deploymentSchema).min(1).max(1_000),
  })
  .superRefine(({ deployments }, context) => {
    const seen = new Set<string>();
    for (const [index, { repositoryId, environment }] of deployments.entries()) {
      const name = `${repositoryId} ${environment}`;
      if (seen.has(name))
        context.addIssue({
          code: 'custom',
          path: ['deployments', index, 'environment'],
          message: `is there twice for repository ${repositoryId}`,
        });
      seen.add(name);
    }
  });
export type GithubConfig = z.output<typeof githubSchema>;
