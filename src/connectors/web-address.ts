import { z } from 'zod';
import { isPrivateOnTheWay } from '../outbound/inner-address';

/** `https://…`, or `http://…` on this machine. */
export const webAddress = z.url({ protocol: /^https?$/ }).refine(isPrivateOnTheWay, {
  error: 'must be https://…, or http://… on this machine',
});
