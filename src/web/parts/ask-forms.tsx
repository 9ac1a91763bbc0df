import type { Child } from 'hono/jsx';
import { LIMITS } from '../../domain/limits';
import type { CatalogEntry } from '../../policy';
import type { RecordType } from '../../policy/arguments/declared';
import { DURATIONS, type Typed } from '../compose';
import type { Requestable } from '../page-service';
import { argumentFields, FURTHER } from '../typed-arguments';
import { ArgumentInput } from './argument-fields';

const ANSWERS: Readonly<Record<string, string>> = {
  by_policy: 'policy alone gives it',
  after_approval: 'people have to sign',
  in_emergency: 'in an emergency only',
};

interface OfferedProps {
  readonly offered: readonly Requestable[];
  readonly chosen: string | undefined;
}

const Offered = ({ offered, chosen }: OfferedProps) => (
  <>
    {offered.map((one) => (
      <option value={one.entitlement} selected={one.entitlement === chosen}>
        {`${one.title} (${ANSWERS[one.answer]}${'needs_ticket' in one ? ', with a ticket' : ''})`}
      </option>
    ))}
  </>
);

interface FormProps {
  readonly conditions: readonly string[];
  readonly typed: Typed | undefined;
}

/** Access: what, for how long, why. */
export const AccessForm = ({
  offered,
  ...rest
}: FormProps & { readonly offered: readonly Requestable[] }) => (
  <form class="card decide narrow" method="post" action="/ask">
    <label>
      What
      <select name="entitlement" required>
        <Offered offered={offered} chosen={rest.typed?.entitlement} />
      </select>
    </label>
    <Common {...rest} />
    <button type="submit">See what will happen</button>
  </form>
);

/** Which exact action. Its form is on a page of its own, since each action has other arguments. */
export const ActionChoice = ({ offered, chosen }: OfferedProps) => (
  <form class="card decide narrow" method="get" action="/ask">
    <label>
      Action
      <select name="action" required>
        <Offered offered={offered} chosen={chosen} />
      </select>
    </label>
    <button type="submit">Fill in its arguments</button>
  </form>
);

interface ActionFormProps extends FormProps {
  readonly entry: CatalogEntry;
  readonly entitlement: string;
  /** What the bundle's schema declares of its arguments. */
  readonly declared: RecordType | undefined;
}

/** One exact action: the tool, what it is run on, and every argument, by the types that the bundle declares. */
export function ActionForm({ entry, entitlement, declared, conditions, typed }: ActionFormProps) {
  const takesFurther = declared === undefined || entry.undeclared === 'show';
  return (
    <form class="card decide narrow" method="post" action="/ask">
      <h2>{entry.title}</h2>
      <p class="muted">It runs once, with exactly what stands here.</p>
      <input type="hidden" name="entitlement" value={entitlement} />
      <Line name="tool" value={typed?.tool}>
        Tool
      </Line>
      <Line name="toolVersion" value={typed?.toolVersion}>
        Version of the tool
      </Line>
      <Line name="target" value={typed?.target}>
        On what it is run
      </Line>
      <fieldset>
        <legend>Arguments</legend>
        {declared !== undefined &&
          argumentFields(declared).map((field) => (
            <ArgumentInput field={field} typed={textOf(typed, field.name)} />
          ))}
        {takesFurther && (
          <label>
            <span>
              {declared === undefined ? 'All arguments' : 'Further arguments'}{' '}
              <span class="muted">a JSON object; approvers read them, policy does not</span>
            </span>
            <textarea name={FURTHER} rows={4} spellcheck={false}>
              {textOf(typed, FURTHER) ?? '{}'}
            </textarea>
          </label>
        )}
      </fieldset>
      <Plan name="containment" value={typed?.containment}>
        How to contain it, if it goes wrong
      </Plan>
      <Plan name="rollback" value={typed?.rollback}>
        How to roll it back
      </Plan>
      <Common conditions={conditions} typed={typed} />
      <button type="submit">See what will happen</button>
    </form>
  );
}

function textOf(typed: Typed | undefined, name: string): string | undefined {
  const text = typed?.fields[name];
  return typeof text === 'string' ? text : undefined;
}

interface TextProps {
  readonly name: string;
  readonly value: string | undefined;
  readonly children: Child;
}

const Line = ({ name, value, children }: TextProps) => (
  <label>
    {children}
    <input name={name} value={value} required maxlength={LIMITS.ticketCharacters} autocomplete="off" />
  </label>
);

const Plan = ({ name, value, children }: TextProps) => (
  <label>
    {children}
    <textarea name={name} rows={2} required maxlength={LIMITS.reasonCharacters}>
      {value}
    </textarea>
  </label>
);

const Common = ({ conditions, typed }: FormProps) => (
  <>
    <label>
      For how long
      <select name="duration" required>
        {DURATIONS.map((one) => (
          <option value={one} selected={one === (typed?.duration ?? '1h')}>
            {one}
          </option>
        ))}
      </select>
    </label>
    <label>
      Why, in one line that the approvers read
      <input
        name="reason"
        required
        maxlength={LIMITS.reasonCharacters}
        value={typed?.reason}
        autocomplete="off"
      />
    </label>
    <label>
      Ticket (where policy wants one)
      <input name="ticket" maxlength={LIMITS.ticketCharacters} value={typed?.ticket} autocomplete="off" />
    </label>
    {conditions.length > 0 && (
      <label>
        Emergency
        <select name="condition">
          <option value="">It is none</option>
          {conditions.map((one) => (
            <option value={one} selected={one === typed?.condition}>
              {one}
            </option>
          ))}
        </select>
      </label>
    )}
  </>
);
