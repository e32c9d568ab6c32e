#!/bin/sh
# Makes the two database roles and the database when the server is new (docs/security.md says what each may do).
# PostgreSQL's image runs what lies in /docker-entrypoint-initdb.d once, as the superuser.
set -eu

password_of() { # the password in the URL of a secret file: postgres://ROLE:PASSWORD@HOST/DATABASE
  sed -e 's|^[a-z]*://[^:]*:||' -e 's|@.*$||' "$1"
}

psql --no-psqlrc --set ON_ERROR_STOP=1 --quiet --username "$POSTGRES_USER" --dbname postgres \
  --set owner_password="$(password_of "${OWNER_URL_FILE:-/run/secrets/database_owner_url}")" \
  --set password="$(password_of "${APPLICATION_URL_FILE:-/run/secrets/database_url}")" <<'SQL'
CREATE ROLE lamplight_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE lamplight LOGIN PASSWORD :'password';
CREATE DATABASE lamplight OWNER lamplight_owner;
REVOKE CONNECT ON DATABASE lamplight FROM PUBLIC;
GRANT CONNECT ON DATABASE lamplight TO lamplight;
SQL
