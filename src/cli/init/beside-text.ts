import path from 'node:path';
import { z } from 'zod';
import { findDefinition } from '../../connectors';
import type { ConnectorDefinition } from '../../connectors/definition';
import { settingVariable } from '../../connectors/settings';
import { editorHeader, jsonSchemaOf, schemaFileName, WRITTEN_FILES } from '../schemas/file-schemas';
import type { Answers } from './answers';
import type { Texts } from './bundle-text';
import { namesIn, q } from './names';
import { readmeText } from './readme-text';

/** Name of the file with the settings. It may come to hold secrets, so only its owner reads it. */
const ENV_FILE = 'countersign.env';

/** Returns the file of the set-up text of a target. */
export const setUpFileOf = ({ connector, kind }: Answers): string =>
  `setup/${connector}.${kind === 'kubernetes' ? 'yaml' : 'txt'}`;

/** Returns the JSON Schemas of the files of a bundle and of a request, for editors. */
export function schemaTexts(): Texts {
  const own = WRITTEN_FILES.filter(({ ofBundle, name }) => ofBundle || name === 'request');
  return new Map(
    own.map((file) => [
      `bundle/schemas/${schemaFileName(file.name)}`,
      `${JSON.stringify(jsonSchemaOf(file), null, 2)}\n`,
    ]),
  );
}

/** Returns everything that lies beside the bundle. @param dir where the folder will be */
export function besideTexts(answers: Answers, dir: string): Texts {
  return new Map([
    ['README.md', readmeText(answers, setUpFileOf(answers))],
    ['.gitignore', IGNORED],
    [ENV_FILE, envText(answers, dir)],
    [setUpFileOf(answers), setUpText(answers)],
    ['requests/first.yaml', requestText(answers)],
  ]);
}

const IGNORED = `# Private keys, settings that may hold secrets, and data of \`countersign up\`
.countersign/
${ENV_FILE}
`;

/** Returns what an administrator of the target runs: the same as \`countersign connector setup NAME --print\`. */
function setUpText({ connector, kind, grant, account }: Answers): string {
  const definition = findDefinition(kind);
  const login = `countersign_${connector.replace(/\W/g, '_')}`;
  return `${definition?.setUp({ grants: [grant], accounts: [account] }, login) ?? ''}\n`;
}

function requestText(answers: Answers): string {
  const { workload, maxDuration } = answers;
  return `${editorHeader('../bundle/schemas', 'request')}# countersign request submit requests/first.yaml
requester: ${workload}
entitlement: ${q(namesIn(answers).entitlement)}
duration: ${maxDuration}
reason: the first grant of our own
`;
}

/** Whether a setting may be left out. */
const isOptional = ({ settings }: ConnectorDefinition, name: string): boolean => {
  const schema = settings.shape[name];
  return schema !== undefined && z.object({ schema }).safeParse({}).success;
};

const inShell = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function envText({ company, connector, kind }: Answers, dir: string): string {
  const definition = findDefinition(kind);
  const names = Object.keys(definition?.settings.shape ?? {});
  return `# Settings for ${company}. Read by: set -a; . ./${ENV_FILE}; set +a
# No secret is in here yet. Each setting can be in the file that <NAME>_FILE names instead. Nobody else may read this file.

COUNTERSIGN_BUNDLE=${inShell(path.join(dir, 'bundle'))}
COUNTERSIGN_STATE_DIR=${inShell(path.join(dir, '.countersign'))}

# ${connector}: ${definition?.title ?? kind}. Fill in and remove the #.
${names
  .map((name) => {
    const said = definition?.settings.shape[name] as z.ZodType | undefined;
    const purpose = [
      definition !== undefined && isOptional(definition, name) ? 'optional' : 'needed',
      ...(said?.description === undefined ? [] : [said.description]),
    ].join('; ');
    return `# ${purpose}\n#${settingVariable(connector, name)}=\n`;
  })
  .join('')}
# Where the ledger lies${definition?.leases === 'lease-book' ? ' and the lease book' : ''}: a PostgreSQL database. \`countersign up\` has one of its own.${definition?.canHoldLedger ? '\n# Without it, the ledger lies in the target, beside the leases.' : ''}
#COUNTERSIGN_LEDGER_URL=

# A Temporal server of your own. \`countersign up\` has one of its own.
#TEMPORAL_ADDRESS=
`;
}
