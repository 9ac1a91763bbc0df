import { findDefinition } from '../../connectors';
import type { Answers } from './answers';
import { namesIn } from './names';

/** Returns the README of the folder: what is in it, the first grant, and how a bundle is changed by review. */
export function readmeText(answers: Answers, setUpFile: string): string {
  const { company, team, connector, workload, approver, governor, owner } = answers;
  const { entitlement, policy, path } = namesIn(answers);
  const [approves] = approver.filter(({ id }) => id !== owner.id);
  return `# Access to production at ${company}

Written by \`countersign init\`. Everything here is yours to change; another run of \`countersign init\` adds files that are missing and changes none.

| file | what it is |
|---|---|
| \`bundle/directory.yaml\` | people, pipelines, groups, roles, public keys |
| \`bundle/catalog.yaml\` | targets, what can be asked of them (\`${entitlement}\`), and controls that nobody may be asked to weaken |
| \`bundle/paths.yaml\` | who approves (\`${path}\`), how long each stage waits |
| \`bundle/access.cedar\`, \`bundle/guard.cedar\` | who gets what on which terms (\`${policy}\`), and what no permit overrides |
| \`bundle/schema.cedarschema\` | what policies can refer to; a new action is declared here |
| \`bundle/tests/access.yaml\` | what the bundle is meant to decide |
| \`bundle/schemas/\` | JSON Schemas, by which editors complete and check these files |
| \`${setUpFile}\` | what an administrator of ${connector} runs, once |
| \`countersign.env\` | settings of workers and gateways; holds no secret yet, and stays out of git |
| \`.countersign/keys/\` | private keys that were made for a trial on this machine; stays out of git |

## The first grant

${firstSteps(answers, setUpFile)
  .map((step) => (step.command ? `    ${step.text}` : `\n${step.text}:\n`))
  .join('\n')}

## Before real use

1. **Keys.** A private key belongs to its owner alone. Give each person in \`.countersign/keys\` a way to make their own (\`countersign keys new -o me.jwk\` prints the
   line for \`bundle/directory.yaml\`), or invite them to register a passkey: \`countersign enrol ${approves?.id ?? 'person/NAME'} --as ${governor[0]?.id ?? 'person/NAME'} --gateway URL\`. Remove
   the trial keys from \`bundle/directory.yaml\`, then delete the files. The key of \`${workload}\` belongs into the secret store of that pipeline.
2. **Settings.** Fill in \`countersign.env\`, run \`countersign doctor\`, and \`countersign connector check ${connector}\`.
3. **Servers.** \`countersign up\` is for trials. For production, run \`countersign worker\` and \`countersign gateway\` beside a Temporal server
   (docs/operate/operations.md).

## Change the bundle by review

The bundle is code: keep this folder in git, and let nobody push to its main branch. A pull request to \`bundle/\` needs a review by a governor
(CODEOWNERS: \`bundle/ ${governor.map(({ id }) => `@${id.slice('person/'.length)}`).join(' ')}\`). CI runs, for each pull request:

\`\`\`
countersign policy check bundle       # every problem, with file and line
countersign policy test bundle        # the cases of bundle/tests
countersign policy preview bundle --archive s3://EVIDENCE --no-server   # which past requests would now be decided differently
\`\`\`

**Roll out**: deliver the merged folder to the workers and gateways as a whole (a ConfigMap, git-sync, or a copy that is renamed into place). Each reads it
again by itself when it changes. A bundle that is not valid is refused, an alert says why, and the last good one stays.

**Roll back**: revert the commit and deliver again. Requests that are under way are decided by the bundle that is in force at that moment.

## Add more

- **A person**: a line in \`people\`, their key, and their groups. **Somebody leaves**: \`enabled: false\`; their grants end.
- **A pipeline or agent of ${team}**: an entry in \`identities\` with its account on ${connector}, and a line in the group \`${namesIn(answers).workloads}\`.
- **Another thing to ask for**: an action in \`catalog.yaml\`, its name in \`schema.cedarschema\`, a permit in \`access.cedar\`, a case in \`tests\`; then
  \`countersign connector setup ${connector} --print\` says what the target needs for it.
- Every key and annotation, with examples: docs/govern/bundle.md of countersign.
`;
}

/** One step: a sentence that announces commands, or a command. */
export interface Step {
  readonly text: string;
  readonly command: boolean;
}

const say = (text: string): Step => ({ text, command: false });
const run = (text: string): Step => ({ text, command: true });

/** Returns what to type from here to the first grant. */
export function firstSteps(answers: Answers, setUpFile: string): readonly Step[] {
  const { connector, kind, owner, sponsor, approver, gateway } = answers;
  const approves = approver.find(({ id }) => id !== owner.id && id !== sponsor.id)?.id ?? 'person/NAME';
  // The embedded database can stand in for a target that is one.
  const isTrial = findDefinition(kind)?.canHoldLedger === true;
  const setUp = `let an administrator of ${connector} run what is in ${setUpFile}, and fill in its address in countersign.env`;
  const target: readonly Step[] = [
    run('set -a; . ./countersign.env; set +a'),
    run(`countersign connector check ${connector}`),
  ];
  const up = run('countersign up --bundle bundle --http-port 8080');
  return [
    ...(isTrial ? [] : [say(setUp), ...target]),
    say(
      isTrial
        ? `in this folder, start Temporal, an embedded PostgreSQL in place of ${connector}, a worker and the gateway; leave it running`
        : 'in this folder and shell, start Temporal, a worker and the gateway; leave it running',
    ),
    up,
    say('in another terminal, in this folder, ask; the command prints the id of the request'),
    run('countersign request submit requests/first.yaml'),
    ...(gateway === undefined
      ? [say('approve it, with that id'), run(`countersign approve ID --as ${approves}`)]
      : [say(`let ${approves} open their enrolment link, then approve on the pages at ${gateway}`)]),
    say('see the grant, and when it ends'),
    run('countersign request show ID'),
    ...(isTrial
      ? [
          say(`then on your own ${connector}: stop up, ${setUp}; then ask and approve as before`),
          ...target,
          up,
        ]
      : []),
  ];
}
