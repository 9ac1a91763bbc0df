import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { CONNECTOR_DEFINITIONS, findDefinition } from '../../connectors';
import type { ConnectorDefinition } from '../../connectors/definition';
import { formatDuration, parseDuration } from '../../contracts/duration';
import { foreignName, identifier, label, principalId } from '../../contracts/request';
import { LIMITS } from '../../domain/limits';

/** Actions that the bundle stops as changes to a control, so that none of them can be an ordinary one. */
const CONTROL_ACTIONS: readonly string[] = ['disable', 'exempt', 'change'];

/** Kinds of targets that a first bundle can be about. */
export const TARGET_KINDS: readonly ConnectorDefinition[] = CONNECTOR_DEFINITIONS.filter(
  ({ gives }) => gives === 'access',
);

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

/** A person as somebody types them: `mira`, or `mira=Mira Larsson`. */
const person = z.string().transform((given, context) => {
  const [, id = '', name] = /^\s*(?:person\/)?([^=]*?)\s*(?:=(.*))?$/.exec(given) ?? [];
  const shown = label(100).safeParse(name?.trim() || `${id.charAt(0).toUpperCase()}${id.slice(1)}`);
  if (NAME.test(id) && shown.success) return { id: `person/${id}`, name: shown.data };
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(given)} is not a person; write mira, or mira="Mira Larsson"`,
  });
  return z.NEVER;
});
export type Person = z.output<typeof person>;

const shortName = z.string().regex(NAME, {
  error: ({ input }) =>
    `${JSON.stringify(input)} is not a name here; use small letters, digits, and . _ - after the first`,
});

const different = (people: readonly Person[]): boolean =>
  new Set(people.map(({ id }) => id)).size === people.length;

/** What `init` needs to know. The members are called like its flags. */
export const answersSchema = z
  .strictObject({
    company: label(100),
    governor: z.array(person).min(2, 'takes two people, so that one can stand in for the other').max(16),
    team: shortName,
    approver: z.array(person).min(2, 'takes two people, so that one can be away').max(64),
    workload: principalId.refine((id) => !id.startsWith('person/'), {
      error: ({ input }) => `${String(input)} is a person; name a pipeline or agent, such as ci/payments`,
    }),
    owner: person,
    sponsor: person,
    kind: z.string().refine((kind) => TARGET_KINDS.some((one) => one.kind === kind), {
      error: ({ input }) =>
        `${JSON.stringify(input)} is not a kind of target; there are ${TARGET_KINDS.map(({ kind }) => kind).join(', ')}`,
    }),
    connector: shortName,
    resource: shortName,
    action: identifier.refine((action) => !CONTROL_ACTIONS.includes(action), {
      error: ({ input }) =>
        `"${String(input)}" is kept for changes to controls; use another word, such as write`,
    }),
    grant: z.record(z.string(), z.string()),
    account: foreignName,
    maxDuration: z.string().refine(
      (text) => {
        const durationMs = parseDuration(text);
        return durationMs !== undefined && durationMs >= 60_000 && durationMs <= LIMITS.grantMs;
      },
      { error: `is not a duration from 1m to ${formatDuration(LIMITS.grantMs)}; write it like 30m or 4h` },
    ),
    gateway: z.string().exactOptional(),
  })
  .superRefine((said, context) => {
    const refuse = (member: string, message: string) =>
      context.addIssue({ code: 'custom', path: [member], message });
    if (!different(said.governor)) refuse('governor', 'names somebody twice');
    if (!different(said.approver)) refuse('approver', 'names somebody twice');
    const governs = said.approver.find(({ id }) => said.governor.some((one) => one.id === id));
    if (governs !== undefined)
      refuse('approver', `${governs.id} governs, and governors cannot approve; name somebody else`);
    const parties = [said.owner.id, said.sponsor.id];
    if (said.approver.filter(({ id }) => !parties.includes(id)).length < 2)
      refuse(
        'approver',
        `takes two people besides the owner and the sponsor of ${said.workload}, who cannot approve its requests`,
      );
    const { grant, account } = findDefinition(said.kind) ?? {};
    for (const { path, message } of grant?.safeParse(said.grant).error?.issues ?? [])
      refuse('grant', path.length === 0 ? message : `${path.join('.')}: ${message}`);
    for (const { message } of account?.safeParse(said.account).error?.issues ?? [])
      refuse('account', message);
  });
export type Answers = z.output<typeof answersSchema>;

/** Answers as they are typed, some of them not yet. */
export type Given = Partial<z.input<typeof answersSchema>>;

/** What a kind of target grants, field by field, as its definition has it. */
export interface GrantField {
  readonly name: string;
  readonly isNeeded: boolean;
}

/** Returns the fields of a kind's grant. Undefined if it takes any names. */
export function grantFieldsOf({ grant }: ConnectorDefinition): readonly GrantField[] | undefined {
  const schema = z.toJSONSchema(grant, { io: 'input', unrepresentable: 'any' });
  if (schema.properties === undefined) return undefined;
  return Object.keys(schema.properties).map((name) => ({
    name,
    isNeeded: schema.required?.includes(name) ?? false,
  }));
}

/** Returns what is taken for an answer that nobody gave, if anything is. */
export function defaultOf(member: keyof Given, given: Given): string | undefined {
  switch (member) {
    case 'sponsor':
      return given.owner;
    case 'kind':
      return 'postgresql';
    case 'connector':
      return given.kind;
    case 'resource':
      return given.team;
    case 'action':
      return 'write';
    case 'maxDuration':
      return '1h';
    default:
      return undefined;
  }
}

const HEADER = `# What \`countersign init\` was told. Another run adds files that are missing by these answers, and changes none.
# Changing this file changes nothing: change the bundle (README.md).
`;

/** Writes answers as the file that a later run reads. */
export const writeAnswers = (given: Given): string => HEADER + stringify(given);

/** Reads the answers of an earlier run. Returns undefined if the text is not such a file. */
export function readAnswers(text: string): Given | undefined {
  try {
    const content: unknown = parse(text, { maxAliasCount: 0 });
    return given.safeParse(content).data;
  } catch {
    return undefined;
  }
}

const given = z.custom<Given>((content) => answersSchema.safeParse(content).success);
