import { ENDORSEMENT_TYPE, REGISTRATION_TYPE, RETIREMENT_TYPE } from '../../contracts/enrolment';
import { LIMITS } from '../../domain/limits';
import type { Page } from '../page';
import type { Key } from '../page-service';
import { When, Who } from '../parts/words';
import { isGovernor, type Visitor } from '../sessions';

/** A person's passkeys: which count, a further one, and the end of a lost one. Governors endorse those of others. */
export const keysPage: Page = {
  path: '/keys',
  label: 'Passkeys',
  render: async ({ visitor, service }) => {
    const own = await service.keysOf(visitor);
    const signer = visitor.passkey?.keyId;
    const others = isGovernor(visitor) ? await service.keysToEndorse(visitor) : [];
    return {
      title: 'Your passkeys',
      body: (
        <>
          <h1>Your passkeys</h1>
          {own === undefined ? (
            <p class="lead">This gateway has no register of passkeys; yours are in the directory file.</p>
          ) : (
            <>
              <ul class="rows">
                {own.map((key) => (
                  <li class="card">
                    <KeyLine one={key} visitor={visitor} />
                    {signer !== undefined && key.state === 'counts' && key.keyId !== signer && (
                      <Retire one={key} own={own} visitor={visitor} signing={signer} />
                    )}
                  </li>
                ))}
              </ul>
              <section class="card narrow">
                <h2>Add a passkey of this device</h2>
                {signer === undefined ? (
                  <p>Sign out, and sign in with the passkey that you have: it vouches for the new one.</p>
                ) : (
                  <Add visitor={visitor} own={own} signing={signer} />
                )}
              </section>
            </>
          )}
          {others.length > 0 && (
            <section>
              <h2>Passkeys that await a second governor</h2>
              <ul class="rows">
                {others.map((key) => (
                  <li class="card">
                    <KeyLine one={key} visitor={visitor} />
                    <Endorse one={key} visitor={visitor} />
                  </li>
                ))}
              </ul>
            </section>
          )}
        </>
      ),
    };
  },
};

interface KeyProps {
  readonly one: Key;
  readonly visitor: Visitor;
}

interface Signing {
  readonly own: readonly Key[];
  /** Id of the passkey that signed in, which signs for the others. */
  readonly signing: string;
}

const STATES: Readonly<Record<Key['state'], readonly [words: string, look: string]>> = {
  counts: ['counts', 'good'],
  retired: ['retired', 'over'],
  'awaits-endorsement': ['awaits a second governor', 'wait'],
  refused: ['does not count', 'bad'],
};

function KeyLine({ one: key, visitor }: KeyProps) {
  const [words, look] = STATES[key.state];
  return (
    <p>
      <strong>{key.label ?? 'Passkey'}</strong> <code>{key.keyId.slice(0, 12)}</code>{' '}
      <span class={`badge ${look}`}>{words}</span> of <Who id={key.person} />, registered{' '}
      <When atMs={Date.parse(key.enrolledAt)} />
      {key.keyId === visitor.passkey?.keyId && ' · you signed in with it'}
    </p>
  );
}

/** What a lost key had registered falls with it, so the others that its owner recognises are named. */
function Retire({ one: key, own, visitor, signing }: KeyProps & Signing) {
  const others = own.filter(
    (one) => one.state === 'counts' && one.keyId !== key.keyId && one.keyId !== signing,
  );
  const claims = { typ: RETIREMENT_TYPE, iss: visitor.person, keyId: key.keyId, keeps: [signing] };
  return (
    <details class="verb danger">
      <summary>It is lost, or no longer mine …</summary>
      <form
        class="decide"
        data-ceremony="sign"
        data-to="/v1/keys"
        data-wrap="retirement"
        data-claims={JSON.stringify(claims)}
        data-credential={signing}
        data-done="The passkey is retired. Nothing that it signs counts any more."
      >
        {others.map((one) => (
          <label class="choice">
            <input type="checkbox" name="keeps" value={one.keyId} />
            {`I recognise ${one.label ?? 'the passkey'} (${one.keyId.slice(0, 12)}): keep it`}
          </label>
        ))}
        <label>
          Reason (optional)
          <input name="reason" maxlength={LIMITS.ticketCharacters} autocomplete="off" />
        </label>
        <button type="submit" class="danger">
          Retire it
        </button>
      </form>
    </details>
  );
}

const Add = ({ visitor, own, signing }: Pick<KeyProps, 'visitor'> & Signing) => (
  <form
    class="decide"
    data-ceremony="add-key"
    data-claims={JSON.stringify({ typ: REGISTRATION_TYPE, sub: visitor.person })}
    data-credential={signing}
    data-known={JSON.stringify([signing, ...own.map(({ keyId }) => keyId)])}
    data-done="The passkey is registered."
  >
    <p class="muted">
      Your browser makes the new one, and then the one that you signed in with vouches for it.
    </p>
    <label>
      Name of this device (optional)
      <input name="label" maxlength={64} autocomplete="off" />
    </label>
    <button type="submit" class="primary">
      Add a passkey
    </button>
  </form>
);

const Endorse = ({ one: key, visitor }: KeyProps) => (
  <form
    class="decide"
    data-ceremony="sign"
    data-to="/v1/keys"
    data-wrap="endorsement"
    data-claims={JSON.stringify({
      typ: ENDORSEMENT_TYPE,
      iss: visitor.person,
      registration: key.registration,
    })}
    data-credential={visitor.passkey?.keyId}
    data-done="The passkey counts now."
  >
    <button type="submit" class="primary">
      Endorse it
    </button>
  </form>
);
