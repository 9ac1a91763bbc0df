import { findDefinition } from '../../connectors';
import { UserError, usageError } from '../output';
import type { AskQuestion } from '../terminal';
import { type Answers, answersSchema, defaultOf, type Given, grantFieldsOf, TARGET_KINDS } from './answers';

type Member = Exclude<keyof Given, 'gateway'>;

interface Question {
  readonly member: Member;
  readonly flag: string;
  readonly text: string;
}

const KINDS = TARGET_KINDS.map(({ kind }) => kind).join(', ');

/** What is asked, in this order. A later answer can have an earlier one for its default. */
const QUESTIONS: readonly Question[] = [
  { member: 'company', flag: '--company', text: 'What is the company called?' },
  {
    member: 'governor',
    flag: '--governor (twice)',
    text: 'Which two people govern (invite people, unblock requests, approve nothing)? nadia, viktor',
  },
  { member: 'team', flag: '--team', text: 'Which team answers for the first target? payments' },
  {
    member: 'approver',
    flag: '--approver (twice)',
    text: 'Who of that team approves? Two people or more: mira, tomas',
  },
  { member: 'workload', flag: '--workload', text: 'Which pipeline or agent needs access? ci/payments' },
  {
    member: 'owner',
    flag: '--owner',
    text: 'Who answers for that pipeline or agent (and so cannot approve its requests)? ines',
  },
  { member: 'sponsor', flag: '--sponsor', text: 'Who vouches that it is needed?' },
  { member: 'kind', flag: '--kind', text: `What kind of target is it? ${KINDS}` },
  { member: 'connector', flag: '--connector', text: 'What do you call the target? warehouse' },
  { member: 'resource', flag: '--resource', text: 'Access to what of it?' },
  { member: 'action', flag: '--action', text: 'To do what there, in one word?' },
  { member: 'grant', flag: '--grant', text: 'What does the target give?' },
  {
    member: 'account',
    flag: '--account',
    text: 'What is the account of the pipeline or agent on the target called?',
  },
  { member: 'maxDuration', flag: '--max-duration', text: 'For how long at most?' },
];

const LISTS: readonly string[] = ['governor', 'approver'];
const TRIES = 3;

/**
 * Returns the answers: those given, else their defaults, else what the person at the terminal says.
 *
 * @param ask absent in a script; then what is missing is wrong usage, all of it in one message
 * @throws UserError of wrong usage
 */
export async function completeAnswers(
  given: Given,
  ask: AskQuestion | undefined,
): Promise<{ readonly given: Given; readonly answers: Answers }> {
  let known: Given = { ...given };
  const missing: string[] = [];
  for (const question of QUESTIONS) {
    const { member, flag } = question;
    if (known[member] !== undefined) continue;
    const usual = defaultOf(member, known);
    if (ask !== undefined) known = { ...known, ...(await answerTo(question, known, usual, ask)) };
    else if (usual !== undefined) known = { ...known, [member]: usual };
    else missing.push(member === 'grant' ? `--grant ${grantHint(known.kind)}` : flag);
  }
  if (missing.length > 0)
    throw usageError(`nobody is here to ask, so say ${missing.join(', ')} (countersign init --help)`);
  const parsed = answersSchema.safeParse(known);
  if (parsed.success) return { given: known, answers: parsed.data };
  throw usageError(sayIssue(parsed.error.issues));
}

/** Asks one question until the answer fits. */
async function answerTo(
  { member, flag, text }: Question,
  known: Given,
  usual: string | undefined,
  ask: AskQuestion,
): Promise<Given> {
  if (member === 'grant') return { grant: await askGrant(known.kind ?? '', ask) };
  let trouble = '';
  for (let tries = 0; tries < TRIES; tries += 1) {
    const said =
      (await ask(`${trouble}${text}${usual === undefined ? '' : ` [${usual}]`} `)).trim() || (usual ?? '');
    const value = LISTS.includes(member) ? said.split(',').filter((one) => one.trim() !== '') : said;
    const parsed = answersSchema.safeParse({ ...known, [member]: value });
    const wrong = parsed.error?.issues.find(({ path }) => path[0] === member);
    if (wrong === undefined && said !== '') return { [member]: value };
    trouble = `  ${wrong?.message ?? 'an answer is needed'}\n`;
  }
  throw new UserError(`${flag}: ${TRIES} answers did not fit; countersign init --help says what it takes`);
}

/** Asks for the fields of a grant, as the definition of the kind has them. */
async function askGrant(kind: string, ask: AskQuestion): Promise<Readonly<Record<string, string>>> {
  const definition = findDefinition(kind);
  const fields = definition && grantFieldsOf(definition);
  const said: Record<string, string> = {};
  for (const { name, isNeeded } of fields ?? []) {
    const value = (
      await ask(`  What the target gives: its ${name}?${isNeeded ? '' : ' (Enter for none)'} `)
    ).trim();
    if (value !== '') said[name] = value;
  }
  if (fields !== undefined) return said;
  for (const pair of (await ask('  What the target gives, as NAME=VALUE, with commas between? ')).split(
    ',',
  )) {
    const [, name, value] = /^\s*([^=]+?)\s*=\s*(.+?)\s*$/.exec(pair) ?? [];
    if (name !== undefined && value !== undefined) said[name] = value;
  }
  return said;
}

function grantHint(kind: string | undefined): string {
  const definition = findDefinition(kind ?? '');
  const fields = definition && grantFieldsOf(definition);
  if (fields === undefined) return 'NAME=VALUE';
  return fields.map(({ name, isNeeded }) => (isNeeded ? `${name}=…` : `[${name}=…]`)).join(' ');
}

const FLAGS: Readonly<Record<string, string>> = { maxDuration: '--max-duration' };

function sayIssue([issue]: readonly {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}[]): string {
  const member = String(issue?.path[0] ?? '');
  return `${FLAGS[member] ?? `--${member}`}: ${issue?.message ?? 'is not valid'}`;
}
