import { tryDigestOf } from '../domain/digest';
import { type CallLog, digestOfResult } from './call-log';

/** A call, as it is recorded. */
interface RecordedCall {
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

const MASK = '***';
/** A shorter text is in too many others to be looked for. It is nothing that is kept secret, either. */
const SHORTEST_SECRET = 4;

/** Writes down what becomes of the calls that one gate decides, with numbers of its own. */
export class CallRecorder {
  #calls = 0;

  constructor(private readonly log: Pick<CallLog, 'append' | 'note'>) {}

  /**
   * Records a call and returns its number, or undefined if it cannot be recorded.
   *
   * @param secrets names of arguments whose values are not to be found in the record, nor guessed by a digest of them
   */
  async decided(
    call: RecordedCall,
    event: string,
    about: Readonly<Record<string, unknown>>,
    secrets: readonly string[] = [],
  ): Promise<string | undefined> {
    this.#calls += 1;
    const number = String(this.#calls);
    const digest = tryDigestOf(withoutSecrets(call.arguments, secrets));
    const record = { event, call: number, tool: call.name, arguments: digest.ok ? digest.value : 'none' };
    try {
      await this.log.append({ ...record, ...masked(about, valuesOf(call.arguments, secrets)) });
      return number;
    } catch {
      return undefined;
    }
  }

  /** Records the end of a call that was passed on. */
  ended(call: string, answer: { readonly result?: unknown; readonly error?: unknown } | undefined): void {
    const outcome = answer === undefined ? 'unknown' : answer.error === undefined ? 'answered' : 'error';
    this.log.note({ event: 'ended', call, outcome, ...digestOfResult(answer?.result) });
  }
}

const withoutSecrets = (given: RecordedCall['arguments'], secrets: readonly string[]) =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, secrets.includes(name) ? MASK : value]),
  );

const valuesOf = (given: RecordedCall['arguments'], secrets: readonly string[]): readonly string[] =>
  secrets.flatMap((name) => {
    const value = Object.hasOwn(given, name) ? given[name] : undefined;
    const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
    return text.length < SHORTEST_SECRET ? [] : [text];
  });

const masked = (about: Readonly<Record<string, unknown>>, values: readonly string[]) =>
  Object.fromEntries(
    Object.entries(about).map(([name, one]) => [
      name,
      typeof one === 'string' ? values.reduce((text, value) => text.replaceAll(value, MASK), one) : one,
    ]),
  );
