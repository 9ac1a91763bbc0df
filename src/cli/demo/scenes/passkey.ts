import type { Page } from 'playwright-core';
import { parseEvidence } from '../../../audit/evidence/file';
import { verifyEvidence } from '../../../audit/verify/verify';
import { readKeyFile } from '../../../client';
import type { DomainEvent } from '../../../domain/event';
import { invitationLink, signInvitation } from '../../../signing/enrolment';
import { exampleKeyFile } from '../../../stack/example-bundle';
import type { Stack } from '../../../stack/up';
import { pageOriginOf } from '../../../web/origin';
import { openWithAuthenticator, startChromium } from '../browser';
import type { Demo } from '../demo';

const GOVERNOR = 'person/nadia';
/** Nobody invites themselves. */
const OTHER_GOVERNOR = 'person/viktor';
const APPROVER = 'person/tomas';

/** A person registers a passkey by invitation, in a real browser, and approves with it. Skipped where there is no Chromium. */
export async function passkeyInBrowser({ stack, client, cast, script }: Demo): Promise<void> {
  script.scene('10  A person registers a passkey in a browser, and approves with it (WEB-1, WEB-2, WEB-3)');
  const browser = await startChromium();
  if (browser === undefined) {
    script.note(
      'skipped: this machine has no Chromium (apt-get install chromium, or set COUNTERSIGN_CHROMIUM)',
    );
    // Where everything is tried, a missing browser is no reason to try less.
    if (process.env['CI'] !== undefined) script.check('Chromium', 'present', 'absent');
    return;
  }
  try {
    const origin = pageOriginOf(stack.gatewayUrl ?? '') ?? '';
    const { page } = await openWithAuthenticator(await browser.newContext({ baseURL: origin }));
    const link = await invite(stack, origin, APPROVER, GOVERNOR);
    const passkey = 'Your passkey is registered. Sign in with it.';
    script.check('a governor invites, and the person makes a passkey', passkey, await register(page, link));
    const request = await cast.ask({
      requester: 'person/jonas',
      entitlement: 'warehouse:payments#write',
      durationMs: 6_000,
      reason: 'mend a row by hand',
    });
    await cast.settled(request);
    script.check(
      'from the link: sign in, approve',
      'Your approval counts.',
      await approve(page, `${origin}/requests/${request.id}`),
    );
    const granted = await cast.decided(request);
    script.check('the request', 'active', granted.status);
    script.check('how it was signed', 'phishing-resistant', assuranceIn(await client.events(request.id)));
    const account = granted.lease?.account ?? '';
    script.check('the role in the database', 'present', await cast.holds(account, 'production_write'));
    await cast.over(request);
    script.check('the role after six seconds', 'absent', await cast.holds(account, 'production_write'));
    const governor = await openWithAuthenticator(await browser.newContext({ baseURL: origin }));
    await register(governor.page, await invite(stack, origin, GOVERNOR, OTHER_GOVERNOR));
    script.check(
      'a governor downloads the evidence',
      'verified, with the signature of a passkey',
      await evidenceSeenBy(governor.page, `${origin}/audit/${request.id}/evidence`),
    );
  } finally {
    await browser.close();
  }
}

async function invite(stack: Stack, origin: string, person: string, by: string): Promise<string> {
  const key = await readKeyFile(exampleKeyFile(stack.stateDir, by));
  const terms = {
    person,
    rpId: new URL(origin).hostname,
    origin,
    lifeMs: 3_600_000,
    endorse: false,
  };
  return invitationLink(origin, await signInvitation(terms, by, key, Date.now()));
}

async function register(page: Page, link: string): Promise<string> {
  await page.goto(link);
  await page.getByRole('button', { name: 'Create a passkey' }).click();
  return saidOn(page);
}

async function approve(page: Page, link: string): Promise<string> {
  await page.goto(link);
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.waitForURL(link);
  await page.getByRole('button', { name: 'Approve', exact: true }).click();
  return saidOn(page);
}

/** Downloads evidence after signing in, and verifies it as `audit verify` does. */
async function evidenceSeenBy(page: Page, address: string): Promise<string> {
  await page.goto('/audit');
  await page.getByRole('button', { name: 'Use a passkey' }).click();
  await page.waitForURL('**/audit');
  const answer = await page.context().request.get(address);
  const text = await answer.text();
  if (!answer.ok()) return `${answer.status()}: ${text.slice(0, 200)}`;
  const read = parseEvidence(text, 'the download');
  if (!read.ok) return read.message;
  const { ok } = await verifyEvidence(read.evidence, { text });
  const signed = text.includes('"format":"webauthn"') ? 'with the signature of a passkey' : 'without one';
  return `${ok ? 'verified' : 'not verified'}, ${signed}`;
}

async function saidOn(page: Page): Promise<string> {
  const said = page.locator('#said.good, #said.bad');
  await said.waitFor();
  return said.innerText();
}

function assuranceIn(events: readonly DomainEvent[]): string {
  const accepted = events.find((event) => event.type === 'statement_accepted');
  return accepted?.accepted.assurance ?? 'not signed';
}
