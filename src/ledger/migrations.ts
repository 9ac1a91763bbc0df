import type { StoreTables } from '../database/migrate';

/**
 * What counts against a request is never deleted. The one exception is a grant that the target says it never made.
 *
 * The first one takes over the tables of versions before numbered migrations, so it makes only what is missing.
 */
export const LEDGER: StoreTables = {
  store: 'ledger',
  migrations: [
    {
      name: 'ask, grant_record, denial',
      sql: `
  CREATE TABLE IF NOT EXISTS countersign.ask (
    seq              bigserial PRIMARY KEY,
    digest           text NOT NULL UNIQUE,
    request_id       text NOT NULL,
    requester        text NOT NULL,
    beneficiary      text NOT NULL,
    parties          text[] NOT NULL,
    resource         text NOT NULL,
    entitlement      text NOT NULL,
    control          text,
    asked_at_ms      bigint NOT NULL,
    outcome          text,
    approvers        jsonb NOT NULL DEFAULT '{}',
    end_how          text CHECK (end_how IN ('denied', 'cancelled', 'withdrawn', 'ended')),
    end_by           text,
    ended_at_ms      bigint
  );
  CREATE INDEX IF NOT EXISTS ask_resource ON countersign.ask (resource, asked_at_ms);
  CREATE INDEX IF NOT EXISTS ask_control ON countersign.ask (control) WHERE control IS NOT NULL;
  CREATE INDEX IF NOT EXISTS ask_request ON countersign.ask (request_id);
  CREATE TABLE IF NOT EXISTS countersign.grant_record (
    digest           text PRIMARY KEY,
    request_id       text NOT NULL,
    connector        text NOT NULL,
    emergency        boolean NOT NULL,
    requester        text NOT NULL,
    beneficiary      text NOT NULL,
    parties          text[] NOT NULL,
    participants     text[] NOT NULL,
    reviewers        text[] NOT NULL,
    granted_at_ms    bigint NOT NULL,
    expires_at_ms    bigint NOT NULL,
    over_at_ms       bigint,
    review_due_at_ms bigint,
    reviewed_by      text,
    verdict          text CHECK (verdict IN ('justified', 'unjustified', 'needs-follow-up')),
    reviewed_at_ms   bigint
  );
  CREATE INDEX IF NOT EXISTS grant_open ON countersign.grant_record (expires_at_ms) WHERE over_at_ms IS NULL;
  CREATE INDEX IF NOT EXISTS grant_emergency ON countersign.grant_record (granted_at_ms) WHERE emergency;
  CREATE INDEX IF NOT EXISTS grant_owed ON countersign.grant_record (review_due_at_ms) WHERE reviewed_at_ms IS NULL;
  CREATE TABLE IF NOT EXISTS countersign.denial (
    id           text PRIMARY KEY,
    reported_by  text NOT NULL,
    subject      text NOT NULL,
    control      text,
    resource     text,
    reason_code  text NOT NULL,
    denied_at_ms bigint NOT NULL
  );
  CREATE INDEX IF NOT EXISTS denial_subject ON countersign.denial (subject, denied_at_ms);
`,
    },
    {
      name: 'signature_count',
      sql: `
  CREATE TABLE countersign.signature_count (
    credential   text NOT NULL,
    count        bigint NOT NULL CHECK (count > 0),
    signature    text NOT NULL,
    at_ms        bigint NOT NULL,
    PRIMARY KEY (credential, count)
  );
`,
    },
  ],
};

/** Names of the ledger's tables, for checks of its login's rights. */
export const LEDGER_TABLES: readonly string[] = ['ask', 'grant_record', 'denial', 'signature_count'];
