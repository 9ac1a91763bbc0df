import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** Problem types of the access request profile (section "Error Responses"), with their status and title. */
const PROFILE_PROBLEMS = {
  not_requestable: [400, 'Access is not requestable'],
  expired_denial: [410, 'The requestable denial has expired'],
  invalid_denial_binding: [400, 'The request cannot be bound to a denied decision'],
  duplicate_request: [409, 'The idempotency key was used for another request'],
  unknown_task: [404, 'There is no such task'],
  task_expired: [410, 'The task has expired'],
  invalid_task_state: [409, 'The task is not in a state that allows this'],
} as const satisfies Readonly<Record<string, readonly [ContentfulStatusCode, string]>>;
export type ProfileProblem = keyof typeof PROFILE_PROBLEMS;

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authenticated',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  410: 'Gone',
  413: 'Too large',
  422: 'Refused',
  429: 'Too many requests',
  500: 'Something went wrong here',
  503: 'Not available now',
};

/** An error that becomes problem details (RFC 9457) for the caller. `detail` is one sentence without secrets. */
export class HttpProblem extends Error {
  override readonly name = 'HttpProblem';

  constructor(
    readonly status: ContentfulStatusCode,
    readonly detail: string,
    readonly about: {
      readonly type?: string;
      readonly title?: string;
      readonly code?: string;
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(detail);
  }

  body(): Record<string, unknown> {
    const { type = 'about:blank', title = TITLES[this.status] ?? 'Error', code } = this.about;
    return { type, title, status: this.status, detail: this.detail, ...(code !== undefined && { code }) };
  }
}

/** Makes one of the problems that the access request profile defines. */
export function profileProblem(name: ProfileProblem, detail: string): HttpProblem {
  const [status, title] = PROFILE_PROBLEMS[name];
  return new HttpProblem(status, detail, { type: `urn:openid:authzen:access-request:error:${name}`, title });
}
