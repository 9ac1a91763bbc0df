import { LIMITS } from '../../domain/limits';
import { VERDICTS } from '../../domain/review';
import type { ReadState } from '../../domain/state';
import type { OpenStage } from '../reroutes';

/** Below this, people think in minutes. */
const IN_MINUTES_MS = 2 * 3_600_000;

/** Lets an approver say yes to less time than was asked for. What is left as it is goes unsaid. */
export function LessTime({ state }: { readonly state: ReadState }) {
  const { durationMs } = state.submission.request;
  const [unit, unitMs] =
    durationMs < IN_MINUTES_MS ? (['minutes', 60_000] as const) : (['hours', 3_600_000] as const);
  return (
    <label>
      {`For fewer ${unit} than asked (optional)`}
      <input
        name="durationMs"
        data-as={`span-${unit}`}
        type="number"
        min="0.1"
        step="any"
        max={String(durationMs / unitMs)}
      />
    </label>
  );
}

const VERDICT_WORDS: Readonly<Record<(typeof VERDICTS)[number], string>> = {
  justified: 'It was justified',
  unjustified: 'It was not justified',
  'needs-follow-up': 'It needs a follow-up',
};

export const Verdict = () => (
  <label>
    Verdict
    <select name="verdict" required>
      <option value="">Choose …</option>
      {VERDICTS.map((verdict) => (
        <option value={verdict}>{VERDICT_WORDS[verdict]}</option>
      ))}
    </select>
  </label>
);

export const CancelReason = () => (
  <label>
    Reason
    <select name="reasonCode" required>
      <option value="duplicate">It is a duplicate</option>
      <option value="no-longer-needed">It is no longer needed</option>
      <option value="mistaken">It was made by mistake</option>
      <option value="suspicious">It looks suspicious</option>
    </select>
  </label>
);

/** What every reroute rests on. Policy and ticket are checked when it is signed (OVR-4). */
interface GroundsProps {
  readonly reasons: ReadonlyMap<string, string>;
  readonly policies: readonly string[];
}

/** Puts somebody else in an approver's place, for some hours. */
export const Replacement = ({
  stages,
  ...grounds
}: GroundsProps & { readonly stages: readonly OpenStage[] }) => (
  <>
    <label>
      In the place of
      <select name="replacement.replace" required>
        {stages.map(({ stage, places }) => (
          <Options label={`stage ${stage}`} ids={places} />
        ))}
      </select>
    </label>
    <label>
      Put
      <select name="replacement.with" required>
        <option value="">Choose …</option>
        {stages.map(({ stage, candidates }) => (
          <Options label={`may decide stage ${stage}`} ids={candidates} />
        ))}
      </select>
    </label>
    <Hours name="replacement.untilMs" />
    <Grounds {...grounds} />
  </>
);

/** Moves the request to another path that policy offers, for some hours. */
export const PathSwitch = ({
  switches,
  ...grounds
}: GroundsProps & { readonly switches: readonly { readonly path: string; readonly title: string }[] }) => (
  <>
    <label>
      Path
      <select name="switchTo.path" required>
        {switches.map(({ path, title }) => (
          <option value={path}>{title}</option>
        ))}
      </select>
    </label>
    <Hours name="switchTo.untilMs" />
    <Grounds {...grounds} />
  </>
);

const Options = ({ label, ids }: { readonly label: string; readonly ids: readonly string[] }) => (
  <optgroup label={label}>
    {ids.map((id) => (
      <option value={id}>{id}</option>
    ))}
  </optgroup>
);

const Hours = ({ name }: { readonly name: string }) => (
  <label>
    For how many hours
    <input name={name} data-as="hours" type="number" min="1" max="23" value="4" required />
  </label>
);

const Grounds = ({ reasons, policies }: GroundsProps) => (
  <>
    <label>
      Reason
      <select name="reasonCode" required>
        {[...reasons].map(([code, title]) => (
          <option value={code}>{title}</option>
        ))}
      </select>
    </label>
    <label>
      Ticket
      <input name="ticket" maxlength={LIMITS.ticketCharacters} required autocomplete="off" />
    </label>
    <label>
      Policy that it rests on
      <select name="policyBasis" required>
        {policies.map((id) => (
          <option value={id}>{id}</option>
        ))}
      </select>
    </label>
  </>
);
