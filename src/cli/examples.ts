import type { Command } from 'commander';
import { addExamples, type Example } from './help';

/** Examples in the help of commands whose modules have none of their own, by the command's path. */
const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  run: [
    [
      'run --as agent/atlas --entitlement warehouse:reporting#read --for 15m \\\n      --reason "weekly report" -- psql -c "SELECT 1"',
      'access lasts as long as the command',
    ],
  ],
  'git-credential': [
    [
      'git-credential --entitlement code:payments#push get',
      'git calls this; set it as credential.helper, without `get`',
    ],
  ],
  'gate pin': [['gate pin --bundle my-bundle -- npx --no-install mcp-server-filesystem /srv/files']],
  'notify push-key': [['notify push-key --output push.key']],
  mcp: [['mcp --as agent/atlas --gateway https://access.example.com', 'the agent starts this command']],
  'audit show': [['audit show dc933e65'], ['audit show evidence.json', 'offline, from evidence']],
  'audit replay': [['audit replay dc933e65']],
  'audit export': [['audit export dc933e65 -o evidence.json']],
  'audit verify': [
    ['audit verify evidence.json', 'is it consistent?'],
    [
      'audit verify evidence.json --policy policies --directory policies/directory.yaml',
      'and was it decided by the policy and the people that you know?',
    ],
  ],
  'audit report': [
    ['audit report --from 2026-01-01 --to 2026-04-01', 'every question, for a quarter'],
    ['audit report --of emergencies --format csv', 'one question, for a spreadsheet'],
  ],
  'audit events': [['audit events -o events.jsonl']],
  'audit archive': [['audit archive', 'to COUNTERSIGN_ARCHIVE; `up` and `worker` do it by themselves']],
  'audit archive schema': [['audit archive schema']],
  'audit log key': [['audit log key access.example.com/log -o log.key']],
  'audit log prove': [['audit log prove evidence.json --log-key log.key']],
  'audit log check': [['audit log check --log-key log.key']],
  friction: [
    ['friction', 'the last 30 days'],
    ['friction --json > friction.json', 'with the changes it proposes'],
  ],
  'friction leaving': [['friction leaving']],
  init: [
    ['init', 'asks on a terminal, and writes into this folder'],
    [
      'init access --yes --company Example --governor nadia,viktor --team payments \\\n      --approver mira,tomas --workload ci/payments --owner ines --kind postgresql \\\n      --connector warehouse --grant role=payments_write --account payments_ci',
      'the same without questions',
    ],
    ['init example --from-demo', 'a copy of the example bundle, explained'],
  ],
  import: [
    [
      'import kubernetes rolebindings.yaml --into access',
      'writes a draft, and lists what it could not express',
    ],
    ['import team eligibility.json approvers.json'],
  ],
  'policy check': [['policy check policies']],
  'policy pack': [
    [
      'policy pack policies --as person/nadia --key nadia.jwk -o access.bundle',
      'then COUNTERSIGN_BUNDLE="access.bundle?keys=governors.json"',
    ],
  ],
  'policy test': [['policy test policies']],
  'policy preview': [
    ['policy preview policies --limit 500', 'before a changed bundle goes live'],
    ['policy preview policies --proposal friction.json', 'what friction proposes'],
    [
      'policy preview proposed/policies --no-server --archive --check-run "$COMMIT"',
      'in GitHub Actions: on a pull request',
    ],
  ],
  'policy explain': [['policy explain request.yaml policies']],
  'connector kinds': [['connector kinds']],
  'connector check': [['connector check warehouse']],
  'connector setup': [['connector setup warehouse --print']],
  'connector test': [
    ['connector test http://127.0.0.1:8099/ --secret-file webhook.secret --account jonas --grant group=dba'],
  ],
  'keys new': [['keys new -o mira.jwk']],
  'notify check': [['notify check']],
  'notify test': [['notify test --to person/mira']],
  'setup temporal': [
    ['setup temporal'],
    ['setup temporal --print', 'for somebody else who may change the namespace'],
  ],
  'setup database': [['setup database', 'before the first worker, or by a role that may create tables']],
  doctor: [['doctor'], ['doctor --offline', 'settings and files alone']],
  up: [
    ['up'],
    ['up --bundle my-bundle --http-port 8080', 'with a bundle of your own'],
    ['up --example examples/mcp-gate/bundle', "with an agent's tools behind the gate"],
  ],
  demo: [['demo']],
  worker: [['worker']],
  gateway: [['gateway']],
  'codec add-key': [['codec add-key codec.keys']],
  'codec new-reader': [['codec new-reader mira']],
  'codec serve': [['codec serve']],
};

/** Adds the examples of the table to the help of a command and of its subcommands. */
export function addListedExamples(command: Command, path: string = command.name()): void {
  const listed = EXAMPLES[path];
  if (listed !== undefined) addExamples(command, ...listed);
  for (const sub of command.commands) addListedExamples(sub, `${path} ${sub.name()}`);
}
