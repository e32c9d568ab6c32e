#!/bin/sh
# Makes the files of secrets that compose.yml mounts: random ones are drawn, the others wait empty for you.
#
#     sh docker/secrets.sh [FOLDER]        (docker/secrets unless you name one)
#
# A file that is there keeps its content, so run it again to hear what is still missing. Nobody but you may enter the
# folder; the files themselves can be read by all, since a container's account is not yours.
set -eu
folder="${1:-$(dirname "$0")/secrets}"
database_at="${DATABASE_AT:-db:5432}"
queue_at="${QUEUE_AT:-queue:6379}"
mkdir -p "$folder"
chmod 700 "$folder"

random() { od -An -N 32 -tx1 /dev/urandom | tr -d ' \n'; }
keep() { # keep NAME TEXT: write it unless the file is there and holds something
  if [ ! -s "$folder/$1" ]; then
    rm -f "$folder/$1"
    printf '%s' "$2" >"$folder/$1"
    chmod 444 "$folder/$1"
  fi
}
wait_for() { # wait_for NAME WHAT: an empty file that you fill
  if [ ! -e "$folder/$1" ]; then
    : >"$folder/$1"
    chmod 644 "$folder/$1"
  fi
  [ -s "$folder/$1" ] || echo "Fill $folder/$1: $2"
}

keep secret_key "$(random)"
keep database_superuser_password "$(random)"
keep database_url "postgres://lamplight:$(random)@$database_at/lamplight"
keep database_owner_url "postgres://lamplight_owner:$(random)@$database_at/lamplight"
keep queue_conf "requirepass $(random)"
keep queue_url "redis://:$(sed 's/^requirepass //' "$folder/queue_conf")@$queue_at/0"
keep metrics_token "$(random)"
keep grafana_password "$(random)"

wait_for rpc_urls "the chain's JSON-RPC nodes, comma-separated, in order of preference"
wait_for email_url "how mail is sent, such as smtp+tls://USER:PASSWORD@mail.example:587"
for role in proposer relayer; do
  keep "${role}_keystore_password" "$(random)"
  # Not made empty: manage.py keystore writes over no file.
  if [ -s "$folder/${role}_keystore" ]; then
    chmod 444 "$folder/${role}_keystore"
  else
    rm -f "$folder/${role}_keystore"
    echo "Make $folder/${role}_keystore: the $role's encrypted keystore (docs/deployment.md says how)"
  fi
done
