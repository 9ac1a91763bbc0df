import { z } from 'zod';
import { isPrivateOnTheWay } from '../outbound/inner-address';

/** https, or plain http to this machine only. */
export const webAddress = z
  .url()
  .max(2_000)
  .refine(isPrivateOnTheWay, 'must be an https address')
  .refine((url) => !url.includes('#'), 'must have no fragment');
