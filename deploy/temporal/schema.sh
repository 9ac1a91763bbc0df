#!/bin/sh
# Creates Temporal's two databases if they are missing, and brings both schemas up to this version of the tools.
set -eu

: "${SQL_HOST:?}" "${SQL_USER:?}"
PORT="${SQL_PORT:-5432}"
SCHEMAS="${SCHEMA_DIR:-/etc/temporal/schema/postgresql/v12}"
SQL_PASSWORD="$(cat "${SQL_PASSWORD_FILE:-/run/secrets/temporal-db-password}")"
export SQL_PASSWORD

sql_tool() {
  temporal-sql-tool --plugin postgres12 --endpoint "$SQL_HOST" --port "$PORT" --user "$SQL_USER" "$@"
}

for schema in temporal visibility; do
  database=temporal
  [ "$schema" = temporal ] || database=temporal_visibility
  sql_tool --database "$database" create-database
  sql_tool --database "$database" setup-schema --version 0.0
  sql_tool --database "$database" update-schema --schema-dir "$SCHEMAS/$schema/versioned"
done
