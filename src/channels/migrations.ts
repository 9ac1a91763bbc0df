import type { StoreTables } from '../database/migrate';

/**
 * Who was told of what, and when. The words of a request are not kept here: the sender reads them again.
 *
 * The first one takes over the tables of versions before numbered migrations, so it makes only what is missing.
 */
export const NOTICES: StoreTables = {
  store: 'notices',
  migrations: [
    {
      name: 'notice_message, notice, notice_delivery, notice_turn',
      sql: `
  CREATE TABLE IF NOT EXISTS countersign.notice_message (
    id            text PRIMARY KEY,
    person        text NOT NULL,
    created_at_ms bigint NOT NULL
  );
  CREATE INDEX IF NOT EXISTS notice_message_person ON countersign.notice_message (person, created_at_ms);
  CREATE TABLE IF NOT EXISTS countersign.notice (
    key           text PRIMARY KEY,
    person        text NOT NULL,
    request_id    text NOT NULL,
    noticed_at_ms bigint NOT NULL,
    message_id    text REFERENCES countersign.notice_message (id)
  );
  CREATE INDEX IF NOT EXISTS notice_untold ON countersign.notice (person, noticed_at_ms) WHERE message_id IS NULL;
  CREATE INDEX IF NOT EXISTS notice_of_message ON countersign.notice (message_id);
  CREATE TABLE IF NOT EXISTS countersign.notice_delivery (
    message_id       text NOT NULL REFERENCES countersign.notice_message (id),
    channel          text NOT NULL,
    state            text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'sent', 'void', 'failed')),
    tries            integer NOT NULL DEFAULT 0,
    next_at_ms       bigint NOT NULL,
    done_at_ms       bigint,
    PRIMARY KEY (message_id, channel)
  );
  CREATE INDEX IF NOT EXISTS notice_delivery_open ON countersign.notice_delivery (channel, next_at_ms) WHERE state = 'open';
  CREATE TABLE IF NOT EXISTS countersign.notice_turn (
    single   boolean PRIMARY KEY DEFAULT true CHECK (single),
    until_ms bigint NOT NULL
  );
`,
    },
  ],
};
