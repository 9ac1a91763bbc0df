import { generateRequestDetails } from 'web-push';
import { makePushKey, readPushKey } from '../../../src/push/push-key';
import { pushSubscriptionSchema } from '../../../src/push/subscriptions';
import { PushReceiver } from '../../support/push-service';

describe('FRI-2 what is pushed is encrypted for one browser', () => {
  test('the receiver of these tests decrypts the example of RFC 8291, appendix A', () => {
    const receiver = new PushReceiver(
      Buffer.from('q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94', 'base64url'),
      Buffer.from('BTBZMqHH6r4Tts7J_aSIgg', 'base64url'),
    );
    const body = Buffer.from(
      'DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN',
      'base64url',
    );
    expect(receiver.decrypt(body)).toBe('When I grow up, I want to be a watermelon');
  });

  test('a key that we make signs, and what is encrypted one browser alone reads', () => {
    const key = readPushKey(makePushKey());
    if (key === undefined) throw new Error('no key');
    const [mine, other] = [new PushReceiver(), new PushReceiver()];
    const subscription = pushSubscriptionSchema.parse({
      endpoint: 'https://push.example/1',
      keys: mine.keys,
    });
    const vapidDetails = { subject: 'mailto:ops@example.com', ...key };
    const { body } = generateRequestDetails(subscription, 'something waits', { vapidDetails });
    if (!Buffer.isBuffer(body)) throw new Error('no body');
    expect(body.includes('something waits')).toBe(false);
    expect(mine.decrypt(body)).toBe('something waits');
    expect(() => other.decrypt(body)).toThrow();
  });

  test.each([
    ['nothing', ''],
    ['a key for something else', '{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}'],
    ['a public key', makePushKey().replace(/,?"d":"[^"]+"/, '')],
  ])('%s is no key for push', (_what, text) => {
    expect(readPushKey(text)).toBeUndefined();
  });

  test.each([
    ['a place that is none', { endpoint: 'javascript:alert(1)' }],
    ['a file', { endpoint: 'file:///etc/passwd' }],
    ['a place that is too long', { endpoint: `https://push.example/${'x'.repeat(1_000)}` }],
    ['a key of another length', { keys: { p256dh: 'BAAA', auth: 'A'.repeat(22) } }],
    ['more than a subscription has', { more: true }],
  ])('a subscription with %s is refused', (_what, change) => {
    const good = { endpoint: 'https://push.example/1', keys: new PushReceiver().keys };
    expect(pushSubscriptionSchema.safeParse(good).success).toBe(true);
    expect(pushSubscriptionSchema.safeParse({ ...good, ...change }).success).toBe(false);
  });
});
