import type { ArgumentType, PlainType } from '../../policy/arguments/declared';
import { type ArgumentField, isList } from '../typed-arguments';

/** What is typed for each type, as an example. */
const EXAMPLES: Readonly<Record<PlainType, string>> = {
  Bool: '',
  Long: '12',
  String: '',
  decimal: '12000.50',
  ipaddr: '10.0.0.0/8',
  datetime: '2026-11-29T12:00:00Z',
  duration: '1h30m',
};

interface FieldProps {
  readonly field: ArgumentField;
  readonly typed: string | undefined;
}

/** One argument, as the bundle's schema declares it. */
export function ArgumentInput({ field, typed }: FieldProps) {
  const { name, type, isRequired } = field;
  if (type.kind === 'Bool')
    return (
      <label>
        <Title field={field} />
        <select name={name} required={isRequired}>
          <option value="">Choose …</option>
          {['true', 'false'].map((one) => (
            <option value={one} selected={one === typed}>
              {one}
            </option>
          ))}
        </select>
      </label>
    );
  if (type.kind === 'Set' || type.kind === 'Record')
    return (
      <label>
        <Title field={field} />
        <textarea name={name} rows={3} spellcheck={false} required={isRequired}>
          {typed}
        </textarea>
      </label>
    );
  return (
    <label>
      <Title field={field} />
      <input
        name={name}
        value={typed}
        required={isRequired && type.kind !== 'String'}
        placeholder={EXAMPLES[type.kind]}
        inputmode={type.kind === 'Long' ? 'numeric' : undefined}
        autocomplete="off"
        spellcheck={false}
      />
    </label>
  );
}

const Title = ({ field: { label, type, isRequired } }: Pick<FieldProps, 'field'>) => (
  <span>
    {label} <span class="muted">{`${saidType(type)}${isRequired ? '' : ', optional'}`}</span>
  </span>
);

function saidType(type: ArgumentType): string {
  if (type.kind === 'Set') return isList(type) ? `${saidType(type.element)}, one a line` : 'list, as JSON';
  return { ...NAMES, Record: 'object, as JSON' }[type.kind];
}

const NAMES: Readonly<Record<PlainType, string>> = {
  Bool: 'true or false',
  Long: 'whole number',
  String: 'text',
  decimal: 'decimal number',
  ipaddr: 'address or network',
  datetime: 'moment',
  duration: 'duration',
};
