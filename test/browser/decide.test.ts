import type { Browser, Locator } from 'playwright-core';
import type { AccessRequest } from '../../src/domain/request';
import { ADMIN, EMERGENCY, ROTATE, WRITE } from '../support/harness-asks';
import { eventuallyTrue } from '../support/harness-wait';
import { PageStack } from '../support/pages';
import { startChromium } from './support/chromium';
import { Person } from './support/person';

jest.setTimeout(180_000);

const PEOPLE = ['mira', 'tomas', 'david', 'nadia', 'viktor', 'sofia', 'amara', 'jonas', 'chen', 'helen'];

let stack: PageStack;
let browser: Browser;
const open: Person[] = [];

beforeAll(async () => {
  stack = await PageStack.start(PEOPLE.map((name) => `person/${name}`));
  browser = await startChromium();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});
afterAll(async () => {
  await browser?.close();
  await stack?.stop();
});

async function as(name: string): Promise<Person> {
  const one = await Person.open(stack, browser, `person/${name}`);
  open.push(one);
  return one;
}

/** The names of the buttons that sign something, and of the forms that are still closed. */
const offered = async ({ page }: Person): Promise<readonly string[]> => {
  const first = await page.locator('.decisions > form button').allInnerTexts();
  const others = await page.locator('.decisions > details > summary').allInnerTexts();
  return [...first, ...others.map((text) => text.replace(/ …$/, ''))];
};

/** Opens the list of governance until it has a request. Returns its card, open if there is something to sign. */
async function onGovernance(one: Person, { id }: Pick<AccessRequest, 'id'>): Promise<Locator> {
  await one.visit('/governance');
  const card = one.page.locator('li', { has: one.page.locator(`a[href="/requests/${id}"]`) });
  await eventuallyTrue('the list has the request', async () => {
    if ((await card.count()) === 1) return true;
    await one.page.reload();
    return false;
  });
  const act = card.locator('details.act > summary');
  if ((await act.count()) > 0) await act.click();
  return card;
}

describe('WEB-1 a person decides in a browser with a passkey', () => {
  test('from the link to the signed approval in two steps, and back on the page they came for', async () => {
    const request = await stack.harness.cast.ask({ ...WRITE, durationMs: 600_000 });
    const mira = await as('mira');
    const page = await mira.visit(`/requests/${request.id}`);
    expect(new URL(page.url()).pathname).toBe(`/requests/${request.id}`);
    // For four of the ten minutes.
    expect(await mira.sign('Approve', { durationMs: '4' })).toBe('Your approval counts.');
    expect(await stack.harness.cast.settled(request)).toMatchObject({ status: 'active' });
    const events = await stack.harness.cast.events(request);
    const accepted = events.flatMap((one) => (one.type === 'statement_accepted' ? [one.accepted] : []));
    expect(accepted).toMatchObject([
      {
        statement: { iss: 'person/mira', verb: 'approve', durationMs: 240_000 },
        assurance: 'phishing-resistant',
      },
    ]);
  });

  test('WEB-7 a denial needs a reason, and whoever looks at the request reads it', async () => {
    const request = await stack.harness.cast.ask(WRITE);
    const mira = await as('mira');
    await mira.visit(`/requests/${request.id}`);
    await mira.page.locator('summary', { hasText: 'Deny' }).click();
    await mira.page.getByRole('button', { name: 'Deny', exact: true }).click();
    expect(await mira.page.locator('textarea:invalid').count()).toBe(1);
    await mira.page.locator('summary', { hasText: 'Deny' }).click();
    expect(await mira.sign('Deny', { comment: 'the freeze has begun' })).toBe('The request is denied.');
    const tomas = await as('tomas');
    const page = await tomas.visit(`/requests/${request.id}`);
    expect(await page.locator('.events').innerText()).toMatch(/mira signed deny .*the freeze has begun/);
    expect(await offered(tomas)).toEqual([]);
  });

  test('WEB-4 a sponsor confirms, and then an owner of the resource approves', async () => {
    const restore = stack.harness.bundle.replace(
      'access.cedar',
      '@path("production-write")',
      '@path("production-write")\n@confirm("sponsor before approval")',
    );
    try {
      const request = await stack.harness.cast.ask(WRITE);
      const [helen, mira] = [await as('helen'), await as('mira')];
      await mira.visit(`/requests/${request.id}`);
      expect(await offered(mira)).toEqual([]);
      await helen.visit(`/requests/${request.id}`);
      expect(await offered(helen)).toEqual(['Confirm scope and intent']);
      expect(await helen.sign('Confirm scope and intent')).toBe('Your confirmation counts.');
      await mira.visit(`/requests/${request.id}`);
      expect(await mira.sign('Approve')).toBe('Your approval counts.');
      expect(await stack.harness.cast.settled(request)).toMatchObject({ status: 'active' });
    } finally {
      restore();
    }
  });

  test('WEB-4 one governor reroutes privileged access, a second endorses it, and the replacement decides', async () => {
    const request = await stack.harness.cast.ask(ADMIN);
    const [nadia, viktor, helen] = [await as('nadia'), await as('viktor'), await as('helen')];
    await nadia.visit(`/requests/${request.id}`);
    expect(await offered(nadia)).toEqual(['Reroute', 'Emergency reroute: nobody-answers']);
    const grounds = {
      'replacement.replace': 'person/mira',
      'replacement.with': 'person/oskar',
      reasonCode: 'approver-absent',
      ticket: 'OPS-1',
      policyBasis: 'production-admin',
    };
    expect(await nadia.sign('Reroute', grounds)).toBe('The reroute is on record.');
    const own = await onGovernance(nadia, request);
    expect(await own.innerText()).not.toContain('Endorse');
    const card = await onGovernance(viktor, request);
    expect(await card.innerText()).toMatch(/nadia proposes .*oskar in the place of .*mira/s);
    expect(await viktor.sign('Endorse the reroute', {}, card)).toBe('The reroute is in force.');
    expect(await stack.harness.cast.view(request)).toMatchObject({
      reroutes: [{ phase: 'in_force', endorsedBy: 'person/viktor' }],
      awaiting: expect.arrayContaining(['person/oskar']),
    });
    await helen.visit(`/requests/${request.id}`);
    expect(await offered(helen)).toEqual([]);
  });

  test('WEB-4 an emergency: the commander approves, its holder gives it back, and the reviewer judges it', async () => {
    const request = await stack.harness.cast.ask(EMERGENCY);
    const [sofia, jonas, amara] = [await as('sofia'), await as('jonas'), await as('amara')];
    await sofia.visit(`/requests/${request.id}`);
    expect(await sofia.sign('Approve')).toBe('Your approval counts.');
    await stack.harness.cast.settled(request);
    await jonas.visit(`/requests/${request.id}`);
    expect(await offered(jonas)).toEqual(['End the access now']);
    expect(await jonas.sign('End the access now')).toBe('The access is being ended.');
    await stack.harness.cast.over(request);
    const nadia = await as('nadia');
    const owed = await onGovernance(nadia, request);
    expect(await owed.locator('xpath=ancestor::section').locator('h2').innerText()).toMatch(/^Reviews owed/);
    expect((await (await jonas.context.newPage()).goto('/governance'))?.status()).toBe(403);
    await amara.visit(`/requests/${request.id}`);
    expect(await offered(amara)).toEqual(['Give the verdict']);
    expect(await amara.sign('Give the verdict', { verdict: 'justified' })).toBe('Your review is on record.');
    expect(await stack.harness.cast.view(request)).toMatchObject({ review: { verdict: 'justified' } });
  });

  test('WEB-4 a governor moves a request to another path, and lets in whom an emergency lets in', async () => {
    const [moved, urgent] = [await stack.harness.cast.ask(WRITE), await stack.harness.cast.ask(WRITE)];
    const nadia = await as('nadia');
    const grounds = { reasonCode: 'approver-absent', ticket: 'OPS-1', policyBasis: 'production-write' };
    const first = await onGovernance(nadia, moved);
    const path = { 'switchTo.path': 'production-write-by-dba', ...grounds };
    expect(await nadia.sign('Take another path', path, first)).toBe('The reroute is on record.');
    expect(await stack.harness.cast.view(moved)).toMatchObject({
      switches: [{ phase: 'in_force' }],
      awaiting: expect.arrayContaining(['person/david']),
    });
    const second = await onGovernance(nadia, urgent);
    // The first of its forms is the ordinary reroute. A closed form has text that nobody sees yet.
    const ordinary = second.locator('form [name="replacement.with"]').first();
    expect(await ordinary.textContent()).not.toContain('person/sofia');
    const people = { 'replacement.replace': 'person/mira', 'replacement.with': 'person/sofia', ...grounds };
    expect(await nadia.sign('Emergency reroute: nobody-answers', people, second)).toBe(
      'The reroute is on record.',
    );
    expect(await stack.harness.cast.view(urgent)).toMatchObject({
      awaiting: expect.arrayContaining(['person/sofia']),
      reroutes: [{ phase: 'in_force', emergency: { condition: 'nobody-answers' } }],
      review: { phase: 'due' },
    });
  });

  test('WEB-4 a process owner cancels from the list of governance, and is offered nothing else', async () => {
    const request = await stack.harness.cast.ask(WRITE);
    const chen = await as('chen');
    const card = await onGovernance(chen, request);
    expect(await card.locator('details.act > summary').innerText()).toBe('Cancel the request');
    expect(await chen.sign('Cancel the request', { comment: 'asked twice' }, card)).toBe(
      'The request is cancelled.',
    );
    expect(await stack.harness.cast.view(request)).toMatchObject({ status: 'cancelled' });
  });

  test('WEB-4 a requester withdraws, a process owner cancels', async () => {
    const [withdrawn, cancelled] = [
      await stack.harness.cast.ask({ ...WRITE, requester: 'person/jonas' }),
      await stack.harness.cast.ask(WRITE),
    ];
    const [jonas, chen] = [await as('jonas'), await as('chen')];
    await jonas.visit(`/requests/${withdrawn.id}`);
    expect(await jonas.sign('Withdraw')).toBe('The request is withdrawn.');
    await chen.visit(`/requests/${cancelled.id}`);
    expect(await chen.sign('Cancel the request', { comment: 'asked twice' })).toBe(
      'The request is cancelled.',
    );
    expect(await stack.harness.cast.view(withdrawn)).toMatchObject({ status: 'withdrawn' });
    expect(await stack.harness.cast.view(cancelled)).toMatchObject({ status: 'cancelled' });
  });
});

describe('WEB-5 the page shows what will happen, and updates by itself', () => {
  test('every argument, containment, rollback, the path and whose signature is missing', async () => {
    const request = await stack.harness.cast.ask(ROTATE);
    const mira = await as('mira');
    const page = await mira.visit(`/requests/${request.id}`);
    const text = await page.locator('main').innerText();
    for (const shown of [
      'payments/stripe',
      '"version": 7',
      'stop the pipeline',
      'run the reverse change',
      '0 of 1 signed',
    ])
      expect(text).toContain(shown);
    expect(await page.locator('.step.open').innerText()).toMatch(/mira.*tomas/s);
  });

  test('what somebody else signs appears without a reload, and what was typed is kept until its writer says so', async () => {
    const request = await stack.harness.cast.ask(WRITE);
    const [mira, tomas] = [await as('mira'), await as('tomas')];
    const page = await mira.visit(`/requests/${request.id}`);
    const typing = await (await mira.context.newPage()).goto(`/requests/${request.id}`);
    expect(typing?.status()).toBe(200);
    const second = mira.context.pages()[1];
    await second?.locator('form.decide textarea').first().fill('I am still writing');
    await tomas.visit(`/requests/${request.id}`);
    await tomas.sign('Approve');
    await page.locator('.badge', { hasText: 'access is open' }).waitFor();
    await second?.locator('#said', { hasText: 'out of date' }).waitFor();
    expect(await second?.locator('form.decide textarea').first().inputValue()).toBe('I am still writing');
  });
});

describe('WEB-1 what a page shows is what is signed', () => {
  test('a page that the path has overtaken gives STALE_PATH and the new state', async () => {
    const request = await stack.harness.cast.ask({ ...WRITE, reason: 'stale page' });
    const mira = await as('mira');
    const page = await mira.visit(`/requests/${request.id}`);
    // The page does not hear of the change, like one on a phone that was asleep.
    await page.evaluate('document.body.removeAttribute("data-live")');
    await page.route('**/live/**', (route) => route.abort());
    await page.reload();
    await stack.harness.cast.say('person/nadia', 'reroute', request, {
      reasonCode: 'approver-absent',
      ticket: 'OPS-1',
      policyBasis: 'production-write',
      replacement: { replace: 'person/tomas', with: 'person/david', untilMs: Date.now() + 600_000 },
    });
    expect(await mira.sign('Approve')).toMatch(/STALE_PATH/);
    expect(await page.locator('.step.open').innerText()).toMatch(/david/);
    expect(await mira.sign('Approve')).toBe('Your approval counts.');
  });

  test('two tabs: the second decision is refused and the tab shows the new state', async () => {
    const request = await stack.harness.cast.ask(ADMIN);
    const mira = await as('mira');
    await mira.context.route('**/live/**', (route) => route.abort());
    const first = await mira.visit(`/requests/${request.id}`);
    const second = await mira.context.newPage();
    await second.goto(`/requests/${request.id}`);
    expect(await mira.sign('Approve')).toBe('Your approval counts.');
    // A passkey of this device signs in every tab; here the second tab says what the first one's passkey would have signed.
    const claims = JSON.parse(
      (await second.locator('form.decide').first().getAttribute('data-claims')) ?? '{}',
    );
    const iat = Math.floor(Date.now() / 1_000);
    const signed = stack
      .passkey('person/mira')
      .sign(
        { ...claims, jti: 'second-tab', iat, exp: iat + 600 },
        { origin: stack.origin, rpId: 'localhost' },
      );
    const answer = await second.evaluate(
      async ([to = '', body = '']) =>
        (await fetch(to, { method: 'POST', headers: { 'content-type': 'application/json' }, body })).json(),
      [`/requests/${request.id}/statements`, JSON.stringify(signed)],
    );
    expect(answer).toMatchObject({ accepted: false, refusal: { code: 'NOT_NOW' } });
    expect(await first.locator('.decisions').count()).toBe(0);
  });

  test('the back button after a decision offers nothing twice', async () => {
    const request = await stack.harness.cast.ask(WRITE);
    const mira = await as('mira');
    const page = await mira.visit(`/requests/${request.id}`);
    await mira.sign('Approve');
    await page.goto('/');
    await page.goBack();
    await page.locator('.badge').first().waitFor();
    await eventuallyTrue('no approval is offered', async () => !(await offered(mira)).includes('Approve'));
  });

  test('WEB-2 a passkey that does not verify its user signs nothing', async () => {
    const request = await stack.harness.cast.ask(WRITE);
    const mira = await as('mira');
    await mira.visit(`/requests/${request.id}`);
    await mira.verifies(false);
    expect(await mira.sign('Approve')).toMatch(/^Nothing was signed/);
    expect(await stack.harness.cast.view(request)).toMatchObject({
      status: 'awaiting_approval',
      refusalCount: 0,
    });
  });
});
