import type { Gateway } from '../gateway/gateway';
import type { Extension } from '../gateway/routes/index';
import { EvidenceDownloads, type MakeEvidence } from './evidence';
import { IdentityProvider } from './identity-provider';
import { Live } from './live';
import { pageOriginOf } from './origin';
import { PageRoutes } from './page-routes';
import { PageService } from './page-service';
import { addEnrol } from './routes/enrol';
import { addLive } from './routes/live';
import { addLogin } from './routes/login';
import { addPages } from './routes/pages';
import { addPush } from './routes/push';
import { addSignIn } from './routes/sign-in';
import { Sessions } from './sessions';

/** The pages of a gateway: routes to add to it, and what ends them. */
export interface Pages {
  readonly extension: Extension;
  /** Where browsers open them. Undefined if browsers could not sign there, and no pages are served. */
  readonly origin: string | undefined;
  readonly close: () => Promise<void>;
}

export interface PagesOptions {
  /** Makes evidence to download. Without it, the pages offer none. */
  readonly evidence?: MakeEvidence;
}

/**
 * Makes the pages for people. They hold no authority: a session reads, and what a person signs the gateway only carries.
 *
 * @throws Error (one line) if the settings for signing in at an identity provider cannot be used
 */
export function createPages(gateway: Gateway, { evidence }: PagesOptions = {}): Pages {
  const origin = pageOriginOf(gateway.publicUrl);
  const live = new Live();
  const provider = origin === undefined ? undefined : providerOf(gateway, origin);
  const service = new PageService(gateway, evidence && new EvidenceDownloads(evidence));
  const extension: Extension = (app) => {
    if (origin === undefined) return;
    const { keys, bundles, config, ended, usedOnce, counters, nowMs } = gateway;
    const used = usedOnce.ofKind('sign-in');
    const directory = async () => (await bundles.current()).directory;
    const routes = new PageRoutes(
      ...([app, gateway, origin] as const),
      new Sessions({ keys, origin, directory, ended, used, counters, signIn: config.signIn, nowMs }),
    );
    addPages(routes, service);
    addSignIn(routes, provider);
    addEnrol(routes, provider);
    addLogin(routes);
    addPush(routes);
    addLive(routes, service, live);
  };
  const close = async () => {
    live.close();
    await service.friction.close();
  };
  return { extension, origin, close };
}

function providerOf({ config, keys, usedOnce, log, nowMs }: Gateway, origin: string) {
  if (config.signIn === undefined) return undefined;
  const used = usedOnce.ofKind('sign-in at the identity provider');
  return new IdentityProvider({ config: config.signIn, keys, origin, used, log, nowMs });
}
