// What both examples share: the agent, the executor of its actions, and the gate between them.
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const { ActionGate } = require('../dist/src/adapters/action-gate.js');
const { byKey, Requester } = require('../dist/src/enforcement/index.js');
const { readKeyFile } = require('../dist/src/client.js');

const [gateway = 'http://127.0.0.1:8080', stateDir = '.countersign'] = process.argv.slice(2);

/** As an identity with a key. Where an issuer vouches for it, `byToken` takes the place of `byKey`. */
async function requesterOf(principal) {
  const file = path.join(stateDir, 'keys', `${principal.replace('/', '-')}.jwk`);
  const key = await readKeyFile(file);
  return Requester.at({ gateway, credential: byKey(principal, key, gateway) });
}

/** The tool `rotate` is gated: each call of it is proposed exactly as the model made it. */
export async function gateFor(conversation) {
  return new ActionGate({
    agent: await requesterOf('agent/atlas'),
    executor: await requesterOf('service/runner'),
    conversation,
    actions: {
      rotate: {
        entitlement: { connector: 'changes', resource: 'payments-secrets', action: 'rotate' },
        target: 'payments-secrets',
        minutes: 10,
        containment: 'keep the old version',
        rollback: 'restore the old version',
        reason: ({ path: secret }) => `${secret} is a year old`,
      },
    },
  });
}

export async function rotate({ path: secret }) {
  process.stdout.write(`rotating ${secret}\n`);
  return `rotated ${secret}`;
}

export function sayAwaited({ request, awaiting }) {
  process.stdout.write(`not run; awaits ${awaiting.join(' or ')}:\n`);
  process.stdout.write(`  node bin/countersign.js approve ${request} --as ${awaiting[0]}\n`);
}
