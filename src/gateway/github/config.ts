import { z } from 'zod';
import { durationUpTo } from '../../contracts/duration';
import { label } from '../../contracts/request';
import { askedForSchema } from '../questions/asked-for';
import { webAddress } from '../web-address';

const DAY_MS = 86_400_000;
const githubId = z.int().positive().max(Number.MAX_SAFE_INTEGER);

/** One environment of one repository, and what a deployment to it asks for. */
const deploymentSchema = askedForSchema.extend({
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
