// @ts-check
// The only script of the pages: signing with a passkey, live updates, and times in the reader's own zone. It never makes markup
// out of text: Trusted Types are switched off for good by the content security policy.

/** @typedef {{ claims: string, credentialId: string, authenticatorData: string, clientDataJSON: string, signature: string }} Signed */

/** @typedef {{ rpId: string, origin: string, person: string }} Terms of a new passkey */

/** @typedef {{ [name: string]: string | number | string[] | Claims }} Claims */

/**
 * What the gateway answers to the script. Which members there are depends on the question.
 * @typedef {{
 *   accepted?: boolean, refusal?: { detail: string, code: string }, page?: string, detail?: string,
 *   claims?: string, state?: string, invitedBy?: string,
 * } & Partial<Terms>} Answer
 */

/** Milliseconds since the epoch by the server's clock, since a phone's may be wrong. */
const nowMs = () => Math.round(Number(document.body.dataset['now']) + performance.now());

/** @param {ArrayBuffer} bytes */
function base64url(bytes) {
  let text = '';
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @param {string} text */
function bytesOf(text) {
  const plain = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

/**
 * Canonical JSON (RFC 8785) of what claims are made of.
 * @param {unknown} value
 * @returns {string}
 */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${members.map(([name, one]) => `${JSON.stringify(name)}:${canonical(one)}`).join(',')}}`;
}

/**
 * Has a passkey sign claims: the challenge is the SHA-256 of their text.
 * @param {string} claims
 * @param {string | undefined} credentialId the one passkey that may sign; any of this site if undefined
 * @returns {Promise<Signed>}
 */
async function signClaims(claims, credentialId) {
  const challenge = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(claims));
  const credential = await navigator.credentials.get({
    publicKey: {
      challenge,
      rpId: location.hostname,
      userVerification: 'required',
      timeout: 120_000,
      ...(credentialId && { allowCredentials: [{ type: 'public-key', id: bytesOf(credentialId) }] }),
    },
  });
  if (!(credential instanceof PublicKeyCredential)) throw new Error('no passkey answered');
  const { response } = credential;
  if (!(response instanceof AuthenticatorAssertionResponse)) throw new Error('the passkey did not sign');
  return {
    claims,
    credentialId: base64url(credential.rawId),
    authenticatorData: base64url(response.authenticatorData),
    clientDataJSON: base64url(response.clientDataJSON),
    signature: base64url(response.signature),
  };
}

/**
 * @param {string} address
 * @param {unknown} body
 * @returns {Promise<Answer>} the answer, also if it is a refusal
 */
async function post(address, body) {
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (response.status === 401) {
    location.assign(`/sign-in?to=${encodeURIComponent(location.pathname + location.search)}`);
    throw new Error('you are signed out; sign in again');
  }
  /** @type {Answer} */
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.detail ?? 'this did not work');
  return answer;
}

// What was said, shown once on the next page.

const SAID = 'countersign-said';

/** @param {'good' | 'bad' | 'quiet'} kind @param {string} text */
function say(kind, text) {
  const place = document.getElementById('said');
  if (place === null) return;
  place.className = `said ${kind}`;
  place.textContent = text;
  if (kind === 'bad') place.scrollIntoView({ block: 'nearest' });
}

/** @param {'good' | 'bad' | 'quiet'} kind @param {string} text */
const sayNext = (kind, text) => sessionStorage.setItem(SAID, JSON.stringify({ kind, text }));

function sayWhatIsLeft() {
  const left = sessionStorage.getItem(SAID);
  sessionStorage.removeItem(SAID);
  if (left === null) return;
  const { kind, text } = JSON.parse(left);
  say(kind, text);
}

/** @param {unknown} error */
function whyNot(error) {
  if (error instanceof DOMException && (error.name === 'NotAllowedError' || error.name === 'AbortError'))
    return 'Nothing was signed: the passkey was not used, or it is not on this device.';
  return `Nothing was sent: ${error instanceof Error ? error.message : 'unknown trouble'}`;
}

// Forms that are signed.

let isSigning = false;

/**
 * The member of claims with this name that has members itself. It is made if there is none.
 * @param {Claims} claims
 * @param {string} name
 * @returns {Claims}
 */
function memberOf(claims, name) {
  const known = claims[name];
  if (typeof known === 'object' && !Array.isArray(known)) return known;
  /** @type {Claims} */
  const made = {};
  claims[name] = made;
  return made;
}

/**
 * Puts the fields of a form into its claims. A name with dots is a member of a member; empty fields are left out.
 * @param {HTMLFormElement} form
 * @returns {Claims}
 */
function claimsOf(form) {
  /** @type {Claims} */
  const claims = JSON.parse(form.dataset['claims'] ?? '{}');
  for (const field of form.querySelectorAll('input[name], select[name], textarea[name]')) {
    if (
      !(
        field instanceof HTMLInputElement ||
        field instanceof HTMLSelectElement ||
        field instanceof HTMLTextAreaElement
      )
    )
      continue;
    const text = field.value.replace(/\s+/g, ' ').trim();
    if (text === '' || field.disabled) continue;
    if (field instanceof HTMLInputElement && field.type === 'checkbox') {
      // Each that is ticked is one more in a list.
      const earlier = claims[field.name];
      if (field.checked) claims[field.name] = [...(Array.isArray(earlier) ? earlier : []), text];
      continue;
    }
    const hoursMs = Math.round(Number(text) * 3_600_000);
    const spans = {
      hours: nowMs() + hoursMs,
      'span-hours': hoursMs,
      'span-minutes': Math.round(hoursMs / 60),
    };
    const value = Object.entries(spans).find(([as]) => as === field.dataset['as'])?.[1] ?? text;
    const names = field.name.split('.');
    const last = names.pop() ?? '';
    let place = claims;
    for (const name of names) place = memberOf(place, name);
    place[last] = value;
  }
  const iat = Math.floor(nowMs() / 1_000);
  const life = Number(form.dataset['life'] ?? 0);
  return { ...claims, jti: crypto.randomUUID(), iat, ...(life > 0 && { exp: iat + life }) };
}

/** @param {HTMLFormElement} form @param {boolean} busy */
function setBusy(form, busy) {
  isSigning = busy;
  form.setAttribute('aria-busy', String(busy));
  for (const button of form.querySelectorAll('button')) button.disabled = busy;
}

/** @param {HTMLFormElement} form */
async function signForm(form) {
  const signed = await signClaims(canonical(claimsOf(form)), form.dataset['credential']);
  const { request, wrap } = form.dataset;
  const proof = { format: 'webauthn', ...signed };
  const body = wrap === undefined ? proof : { [wrap]: proof };
  const answer = await post(
    form.dataset['to'] ?? '',
    request === undefined ? body : { request: JSON.parse(request), proof },
  );
  if (answer.accepted === false)
    sayNext('bad', `Refused: ${answer.refusal?.detail} (${answer.refusal?.code}).`);
  else sayNext('good', form.dataset['done'] ?? 'Done.');
  location.replace(answer.page ?? location.href);
}

/** @param {HTMLFormElement} form */
async function signIn(form) {
  const { claims = '' } = await post('/sign-in/begin', {});
  const signed = await signClaims(claims, undefined);
  await post('/sign-in', { format: 'webauthn', ...signed });
  location.replace(form.dataset['to'] ?? '/');
}

document.addEventListener('submit', (event) => {
  const { target: form } = event;
  if (!(form instanceof HTMLFormElement)) return;
  const { ceremony } = form.dataset;
  const work = {
    sign: signForm,
    'sign-in': signIn,
    'add-key': addKey,
    'tell-me': tellMe,
    'tell-me-no-more': tellMeNoMore,
  }[ceremony ?? ''];
  if (work === undefined) return;
  event.preventDefault();
  if (isSigning) return;
  setBusy(form, true);
  say('quiet', ceremony?.startsWith('tell-me') ? 'One moment …' : 'Waiting for your passkey …');
  work(form).catch((error) => {
    setBusy(form, false);
    say('bad', whyNot(error));
  });
});

// Times, in the reader's own zone and counted from now.

const clock = new Intl.DateTimeFormat('en-GB', {
  ...{ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' },
});
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** @type {readonly (readonly [Intl.RelativeTimeFormatUnit, number])[]} */
const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
];

function tellTimes() {
  for (const time of document.querySelectorAll('time[datetime]')) {
    const atMs = Date.parse(time.getAttribute('datetime') ?? '');
    const awayMs = atMs - nowMs();
    const [unit, size] = UNITS.find(([, one]) => Math.abs(awayMs) >= one) ?? ['minute', 60_000];
    const near = Math.abs(awayMs) < 60_000 ? 'now' : relative.format(Math.trunc(awayMs / size), unit);
    if (!time.hasAttribute('title')) time.setAttribute('title', time.textContent ?? '');
    time.textContent = `${clock.format(atMs)} (${near})`;
  }
}

// Live updates.

/** Whether reloading the page would take something from its reader. */
function isInUse() {
  if (isSigning) return true;
  for (const field of document.querySelectorAll('input, textarea'))
    if (
      (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement) &&
      field.type !== 'hidden' &&
      field.value !== field.defaultValue
    )
      return true;
  return false;
}

function watch() {
  const { live } = document.body.dataset;
  if (live === undefined) return;
  const source = new EventSource(live);
  source.addEventListener('changed', () => {
    source.close();
    if (isInUse()) return say('quiet', 'This page is out of date. Reload it before you sign.');
    sayNext('quiet', 'Updated just now.');
    location.reload();
  });
  source.addEventListener('over', () => source.close());
}

sayWhatIsLeft();
tellTimes();
setInterval(tellTimes, 30_000);
watch();
// A page that the browser kept is as it was: after a decision and the back button it would offer the decision again.
addEventListener('pageshow', (event) => event.persisted && location.reload());

// Enrolling a passkey by invitation.

/**
 * The end of a CBOR item that begins at `at` (RFC 8949). Enough for a COSE key: integers, strings, maps of those.
 * @param {Uint8Array} bytes
 * @param {number} at
 * @returns {number}
 */
function endOfCbor(bytes, at) {
  const first = bytes[at] ?? 0;
  const short = first & 31;
  const width = short < 24 ? 0 : 2 ** (short - 24);
  let size = short < 24 ? short : 0;
  for (let index = 1; index <= width; index += 1) size = size * 256 + (bytes[at + index] ?? 0);
  let end = at + 1 + width;
  const kind = first >> 5;
  if (kind === 2 || kind === 3) return end + size;
  for (let items = kind === 5 ? 2 * size : kind === 4 ? size : 0; items > 0 && end < bytes.length; items -= 1)
    end = endOfCbor(bytes, end);
  return end;
}

/**
 * The COSE key in authenticator data with attested credential data (WebAuthn Level 3, section 6.5.1).
 * @param {ArrayBuffer} authenticatorData
 */
function coseKeyIn(authenticatorData) {
  const bytes = new Uint8Array(authenticatorData);
  const idLength = (bytes[53] ?? 0) * 256 + (bytes[54] ?? 0);
  const begin = 55 + idLength;
  return bytes.slice(begin, endOfCbor(bytes, begin)).buffer;
}

/**
 * Makes a passkey on a device that has none of these yet.
 * @param {Terms} terms
 * @param {readonly string[]} known credential ids
 */
async function makePasskey({ rpId, origin, person }, known = []) {
  const user = new TextEncoder().encode(person);
  const credential = await navigator.credentials.create({
    publicKey: {
      rp: { id: rpId, name: 'Countersign' },
      user: { id: user, name: person, displayName: person },
      challenge: crypto.getRandomValues(new Uint8Array(32)),
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
      attestation: 'none',
      excludeCredentials: known.map((id) => ({ type: 'public-key', id: bytesOf(id) })),
    },
  });
  if (!(credential instanceof PublicKeyCredential)) throw new Error('no passkey was made');
  const { response } = credential;
  if (!(response instanceof AuthenticatorAttestationResponse)) throw new Error('no passkey was made');
  const publicKey = base64url(coseKeyIn(response.getAuthenticatorData()));
  return { credentialId: base64url(credential.rawId), publicKey, rpId, origin };
}

/** @param {string} text */
const digestOfText = async (text) =>
  `sha-256:${base64url(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))}`;

/** A compact JWS by the key of an invitation. @param {object} claims @param {JsonWebKey} jwk */
async function signByInvitation(claims, jwk) {
  const encode = (/** @type {object} */ value) =>
    base64url(new TextEncoder().encode(JSON.stringify(value)).buffer);
  const key = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, [
    'sign',
  ]);
  const head = { alg: 'ES256', typ: 'countersign-registration+jwt', kid: 'invitation' };
  const signed = `${encode(head)}.${encode(claims)}`;
  const bytes = new TextEncoder().encode(signed);
  return `${signed}.${base64url(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key, bytes))}`;
}

const INVITATION = 'countersign-invitation';

/**
 * What the link has behind its `#`. It never leaves this browser, and goes out of the address at once. While its reader signs in
 * elsewhere, this tab keeps it.
 */
function invitationInLink() {
  const { hash, pathname } = location;
  history.replaceState(null, '', pathname);
  const kept = hash.length > 1 ? hash.slice(1) : sessionStorage.getItem(INVITATION);
  sessionStorage.removeItem(INVITATION);
  try {
    const text = kept ?? '';
    const link = JSON.parse(new TextDecoder().decode(bytesOf(text)));
    if (document.querySelector('[data-invitation="keep"]') !== null) sessionStorage.setItem(INVITATION, text);
    return link;
  } catch {
    return undefined;
  }
}

/** @param {string} id @param {string} text */
function show(id, text) {
  const place = document.getElementById(id);
  if (place !== null) place.textContent = text;
}

async function prepareEnrolment() {
  if (document.querySelector('[data-invitation]') === null) return;
  const link = invitationInLink();
  if (link === undefined)
    return say('bad', 'This page needs the whole link of an invitation. Open the link again.');
  const form = document.querySelector('form[data-ceremony="enrol"]');
  if (!(form instanceof HTMLFormElement)) return;
  const { invitation, key } = link;
  const {
    person = '',
    invitedBy = '',
    rpId = '',
    origin = '',
  } = await post('/v1/keys/invitation', {
    invitation,
  });
  const terms = { person, rpId, origin };
  show('invited', person);
  show('inviter', invitedBy);
  form.hidden = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    setBusy(form, true);
    enrol(form, { invitation, key, terms }).catch((error) => {
      setBusy(form, false);
      say('bad', whyNot(error));
    });
  });
}

/** @param {HTMLFormElement} form @param {{ invitation: object, key: JsonWebKey, terms: Terms }} invited */
async function enrol(form, { invitation, key, terms }) {
  const label = new FormData(form).get('label');
  const claims = {
    sub: terms.person,
    jti: crypto.randomUUID(),
    iat: Math.floor(nowMs() / 1_000),
    invitation: await digestOfText(canonical(invitation)),
    credential: await makePasskey(terms),
    ...(typeof label === 'string' && label.trim() !== '' && { label: label.trim() }),
    ...(form.dataset['seen'] && { seen: JSON.parse(form.dataset['seen']) }),
  };
  const registration = { format: 'jws', jws: await signByInvitation(claims, key) };
  const { state } = await post(form.dataset['to'] ?? '', { invitation, registration });
  form.hidden = true;
  say(
    'good',
    state === 'counts'
      ? 'Your passkey is registered. Sign in with it.'
      : 'Your passkey is registered. It counts when a second governor has endorsed it.',
  );
}

/** Makes a further passkey, and has the one that signed in vouch for it. @param {HTMLFormElement} form */
async function addKey(form) {
  const { sub, label, ...claims } = claimsOf(form);
  const terms = { rpId: location.hostname, origin: location.origin, person: String(sub) };
  const credential = await makePasskey(terms, JSON.parse(form.dataset['known'] ?? '[]'));
  const said = canonical({ ...claims, sub, credential, ...(label && { label }) });
  const registration = { format: 'webauthn', ...(await signClaims(said, form.dataset['credential'])) };
  await post('/v1/keys', { registration });
  sayNext('good', form.dataset['done'] ?? 'Done.');
  location.reload();
}

prepareEnrolment().catch((error) => say('bad', whyNot(error)));

// Being told on this device.

/** @type {string | undefined} */
let madeAddress;

/** The only address that a policy of ours makes, so nothing else can become a service worker. A policy is made once. */
function workerAddress() {
  if (madeAddress !== undefined) return madeAddress;
  const { trustedTypes } =
    /** @type {{ trustedTypes?: { createPolicy(name: string, rules: object): { createScriptURL(text: string): string } } }} */ (
      /** @type {unknown} */ (window)
    );
  const address = '/service-worker.js';
  const policy = trustedTypes?.createPolicy('countersign-worker', { createScriptURL: () => address });
  madeAddress = policy?.createScriptURL('') ?? address;
  return madeAddress;
}

/** What this browser is subscribed with, if it is. */
async function subscription() {
  const registration = await navigator.serviceWorker.getRegistration();
  return (await registration?.pushManager.getSubscription()) ?? undefined;
}

/** @param {HTMLFormElement} form */
async function tellMe(form) {
  const { key = '' } = form.parentElement?.dataset ?? {};
  if ((await Notification.requestPermission()) !== 'granted')
    throw new Error('this browser shows nothing of this site; allow it in its settings');
  await navigator.serviceWorker.register(workerAddress());
  const { pushManager } = await navigator.serviceWorker.ready;
  const made = await pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: bytesOf(key) });
  const { endpoint, keys } = made.toJSON();
  await post('/push', { endpoint, keys });
  sayNext('good', 'This device tells you when something waits for you.');
  location.reload();
}

async function tellMeNoMore() {
  const made = await subscription();
  if (made !== undefined) {
    await post('/push/end', { endpoint: made.endpoint });
    await made.unsubscribe();
  }
  sayNext('good', 'This device tells you no more.');
  location.reload();
}

async function prepareTellMe() {
  const section = document.getElementById('tell-me');
  if (section === null || !('serviceWorker' in navigator) || !('PushManager' in window)) return;
  const isSubscribed = (await subscription()) !== undefined;
  for (const form of section.querySelectorAll('form'))
    form.hidden = (form.dataset['ceremony'] === 'tell-me') === isSubscribed;
  section.hidden = false;
}

prepareTellMe().catch(() => undefined);
