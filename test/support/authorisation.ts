import * as kit from '../../src/connectors/kit/authorise';
import type { Authorisation } from '../../src/domain/prove';

/** The claims to prove about a grant of one role. */
export type AuthorisationOptions = Omit<kit.AuthorisationOptions, 'grant'> & {
  readonly role: string;
  /** What the catalog accepts that a holder of the role can leave behind. */
  readonly accepts?: string;
};

const withGrant = ({ role, accepts, ...options }: AuthorisationOptions) => ({
  ...options,
  grant: { role, ...(accepts !== undefined && { accepts }) },
});

/** Returns a real proof for a role, made by the kit. */
export const authorise = (options: AuthorisationOptions): Promise<Authorisation> =>
  kit.authorise(withGrant(options));

/** Returns evidence that proves a grant of a role, with the directory and policy that make it valid. */
export const permittedCase = (options: AuthorisationOptions) => kit.permittedCase(withGrant(options));
