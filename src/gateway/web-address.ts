import { z } from 'zod';

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?(\/|$)/;

/** https, or plain http to this machine only. */
export const webAddress = z
  .url()
  .max(2_000)
  .refine((url) => url.startsWith('https://') || LOOPBACK.test(url), 'must be an https address')
  .refine((url) => !url.includes('#'), 'must have no fragment');
