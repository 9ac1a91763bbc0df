import type { Child } from 'hono/jsx';
import type { Stage } from '../../domain/assessment';
import {
  approvalsOf,
  currentPath,
  delegatesOf,
  effectiveApprovers,
  isConfirmationAwaited,
  isStageComplete,
} from '../../domain/stages';
import { assessmentOf, type ReadState } from '../../domain/state';
import { Who, Whom } from './words';

type Phase = 'done' | 'open' | 'ahead' | 'stopped';

/** The way of a request from being asked to its end: who has signed, whose signature is missing. */
export function PathDrawing({ state }: { readonly state: ReadState }) {
  const { request } = state.submission;
  const assessment = assessmentOf(state);
  const path = currentPath(state);
  return (
    <ol class="path" aria-label="The way of this request">
      <Step phase="done" title="Asked">
        <Who id={request.requester} />
      </Step>
      {assessment !== undefined && (
        <Step
          phase={assessment.outcome === 'hard_stop' || assessment.outcome === 'refuse' ? 'stopped' : 'done'}
          title="Policy"
        >
          {OUTCOMES[assessment.outcome]}
        </Step>
      )}
      {assessment?.confirmation !== undefined && <Confirmation state={state} />}
      {path?.stages.map((stage) => (
        <StageStep state={state} stage={stage} />
      ))}
      <Ending state={state} />
    </ol>
  );
}

const OUTCOMES = {
  approve: 'needs people',
  permit: 'lets it through',
  refuse: 'refuses it',
  hard_stop: 'stops it',
} as const;

const MARKS: Readonly<Record<Phase, string>> = { done: '✓', open: '…', ahead: '', stopped: '✕' };
const SAID: Readonly<Record<Phase, string>> = {
  done: 'done',
  open: 'waiting now',
  ahead: 'not yet',
  stopped: 'stopped here',
};

const Step = ({
  phase,
  title,
  children,
}: {
  readonly phase: Phase;
  readonly title: string;
  readonly children?: Child;
}) => (
  <li class={`step ${phase}`}>
    <span class="dot" aria-hidden="true">
      {MARKS[phase]}
    </span>
    <div>
      <strong>{title}</strong> <span class="hidden">({SAID[phase]})</span>
      <div class="of">{children}</div>
    </div>
  </li>
);

function Confirmation({ state }: { readonly state: ReadState }) {
  const { confirmation } = state;
  const awaited = isConfirmationAwaited(state) ? (assessmentOf(state)?.confirmation?.by ?? []) : [];
  return (
    <Step
      phase={confirmation === undefined ? (isOpen(state) ? 'open' : 'ahead') : 'done'}
      title="Confirmation"
    >
      {confirmation === undefined ? (
        <>
          by one of <Whom ids={awaited} />
        </>
      ) : (
        <Who id={confirmation.by} />
      )}
    </Step>
  );
}

function StageStep({ state, stage }: { readonly state: ReadState; readonly stage: Stage }) {
  const given = approvalsOf(state, stage);
  const missing = stage.quorum - given.length;
  const signed = new Set(given.map(({ by }) => by));
  const asked = effectiveApprovers(state, stage).filter((id) => !signed.has(id));
  const standIns = asked.flatMap((id) => delegatesOf(stage, id));
  return (
    <Step phase={phaseOf(state, stage)} title={`Stage ${stage.name}`}>
      <div>{`${given.length} of ${stage.quorum} signed`}</div>
      {given.map(({ by }) => (
        <div class="signed">
          ✓ <Who id={by} />
        </div>
      ))}
      {missing > 0 && asked.length > 0 && (
        <div>
          {missing === 1 ? 'one of ' : `${missing} of `}
          <Whom ids={[...asked, ...standIns]} />
        </div>
      )}
    </Step>
  );
}

function phaseOf(state: ReadState, stage: Stage): Phase {
  if (isStageComplete(state, stage)) return 'done';
  if (state.phase === 'ungranted') return state.openStage === stage.name ? 'stopped' : 'ahead';
  return state.openStage === stage.name && isOpen(state) ? 'open' : 'ahead';
}

const isOpen = (state: ReadState): boolean =>
  state.status === 'awaiting_approval' || state.status === 'approved';

function Ending({ state }: { readonly state: ReadState }) {
  if (state.phase === 'ungranted') return <Step phase="stopped" title={state.status.replace('_', ' ')} />;
  if (state.phase !== 'granted') return <Step phase="ahead" title="Access" />;
  return state.status === 'active' ? (
    <Step phase="open" title="Access">
      ends by itself
    </Step>
  ) : (
    <Step phase="done" title="Access over" />
  );
}
