import { STATUS_CODES } from 'node:http';
import type { AuthorizationV1Api, CoreV1Api, RbacAuthorizationV1Api } from '@kubernetes/client-node';
import { z } from 'zod';
import { TargetUnavailable } from '../../database/unavailable';

export interface KubernetesSettings {
  /** Path of a kubeconfig file, or `in-cluster` for the service account of the pod. */
  readonly kubeconfig: string;
  readonly context?: string;
}

export interface Apis {
  readonly rbac: RbacAuthorizationV1Api;
  readonly core: CoreV1Api;
  readonly authorization: AuthorizationV1Api;
}

const WITHIN_MS = 4_000;
/** Statuses that no retry mends: a wrong credential, a missing right, a name that is not there, an object that does not fit. */
const PERMANENT = [400, 401, 403, 404, 405, 409, 413, 422];
const MESSAGE_CHARACTERS = 300;

/** Calls the API server of one cluster. */
export class Cluster {
  #apis: Promise<Apis> | undefined;

  constructor(private readonly settings: KubernetesSettings) {
    // Loading the library takes a second, which the first grant would spend with the lease book locked.
    this.#apis = connect(settings);
    this.#apis.catch(() => undefined);
  }

  /**
   * Calls the API. Every request has a time-out.
   *
   * @throws TargetUnavailable with the API server's own words, without an address or a secret
   */
  async call<T>(work: (apis: Apis) => Promise<T>): Promise<T> {
    try {
      this.#apis ??= connect(this.settings);
      return await work(await this.#apis);
    } catch (error) {
      if (error instanceof TargetUnavailable && error.isPermanent) this.#apis = undefined;
      throw publicError(error);
    }
  }

  /** Calls the API for one object. Returns undefined if it is not there. */
  find<T>(work: (apis: Apis) => Promise<T>): Promise<T | undefined> {
    return this.#unless([404], work);
  }

  /** Calls the API for one object that the connector may have no right to see. Returns undefined if it sees none. */
  see<T>(work: (apis: Apis) => Promise<T>): Promise<T | undefined> {
    return this.#unless([403, 404], work);
  }

  #unless<T>(statuses: readonly number[], work: (apis: Apis) => Promise<T>): Promise<T | undefined> {
    return this.call((apis) =>
      work(apis).catch((error: unknown) => {
        if (statuses.includes(statusOf(error) ?? 0)) return undefined;
        throw error;
      }),
    );
  }
}

async function connect({ kubeconfig, context }: KubernetesSettings): Promise<Apis> {
  const {
    AuthorizationV1Api,
    CoreV1Api,
    createConfiguration,
    KubeConfig,
    RbacAuthorizationV1Api,
    ServerConfiguration,
  } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  try {
    if (kubeconfig === 'in-cluster') config.loadFromCluster();
    else config.loadFromFile(kubeconfig);
    if (context !== undefined) config.setCurrentContext(context);
  } catch {
    throw unusable('cannot be read');
  }
  const server = config.getCurrentCluster()?.server;
  if (server === undefined) throw unusable(`has no cluster for the context ${config.getCurrentContext()}`);
  const configuration = createConfiguration({
    baseServer: new ServerConfiguration(server, {}),
    authMethods: { default: config },
    promiseMiddleware: [
      {
        pre: async (context) => {
          context.setSignal(AbortSignal.timeout(WITHIN_MS));
          return context;
        },
        post: async (context) => context,
      },
    ],
  });
  return {
    rbac: new RbacAuthorizationV1Api(configuration),
    core: new CoreV1Api(configuration),
    authorization: new AuthorizationV1Api(configuration),
  };
}

const unusable = (why: string): TargetUnavailable =>
  new TargetUnavailable(`the kubeconfig of the connector ${why}`, undefined, true);

const httpError = z.object({ code: z.number().int(), body: z.unknown() });
const status = z.object({ message: z.string() });

/** Returns the HTTP status of an error of the API server, or undefined for any other error. */
export function statusOf(error: unknown): number | undefined {
  const read = httpError.safeParse(error);
  return read.success ? read.data.code : undefined;
}

function publicError(error: unknown): Error {
  if (error instanceof TargetUnavailable) return error;
  const read = httpError.safeParse(error);
  if (read.success) {
    const { code, body } = read.data;
    const words = (wordsOf(body) || (STATUS_CODES[code] ?? ''))
      .replace(/\s+/g, ' ')
      .slice(0, MESSAGE_CHARACTERS);
    return new TargetUnavailable(
      `the cluster refused: ${code} ${words}`.trimEnd(),
      undefined,
      PERMANENT.includes(code),
    );
  }
  const { code } = z.object({ code: z.string().regex(/^[A-Z_]{2,60}$/) }).safeParse(error).data ?? {};
  return new TargetUnavailable(`the cluster cannot be reached${code === undefined ? '' : ` (${code})`}`);
}

/** Returns the message of a `Status`, which the library passes on as text or decoded. */
function wordsOf(body: unknown): string {
  const read = status.safeParse(typeof body === 'string' ? parsed(body) : body);
  return read.success ? read.data.message : '';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
