import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** Kinds of errors that clients tell apart (RFC 7644 section 3.12, table 9). */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue';

/** An error that the caller gets as RFC 7644 writes one. `detail` is one sentence without secrets. */
export class ScimProblem extends Error {
  override readonly name = 'ScimProblem';

  constructor(
    readonly status: ContentfulStatusCode,
    readonly detail: string,
    readonly scimType?: ScimType,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail);
  }

  body(): Record<string, unknown> {
    return {
      schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
      status: String(this.status),
      detail: this.detail,
      ...(this.scimType !== undefined && { scimType: this.scimType }),
    };
  }
}

export const invalid = (detail: string, scimType: ScimType = 'invalidValue'): ScimProblem =>
  new ScimProblem(400, detail, scimType);
