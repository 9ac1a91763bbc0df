import type { Caller } from '../auth/caller';
import type { GatewayApp, GatewayContext } from '../http/app';

/** Routes that another part adds to a gateway. It is given who calls, recognised as for every other route. */
export type Extension = (app: GatewayApp, authenticated: (c: GatewayContext) => Promise<Caller>) => void;
