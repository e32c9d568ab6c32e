#!/bin/sh
# Makes the files of secrets that compose.yml mounts: random ones are drawn, the others wait empty for you.
#
#     sh docker/secrets.sh [FOLDER]        (docker/secrets unless you name one)
#
# A file that is there stays as it is, so running it again changes nothing. Nobody but you may enter the folder; the
# files themselves can be read by all, since a container's account is not yours.
set -eu
folder="${1:-$(dirname "$0")/secrets}"
database_at="${DATABASE_AT:-db:5432}"
queue_at="${QUEUE_AT:-queue:6379}"
mkdir -p "$folder"
chmod 700 "$folder"

random() { od -An -N 32 -tx1 /dev/urandom | tr -d ' \n'; }
keep() { # keep NAME TEXT: write it unless the file is there
  if [ ! -e "$folder/$1" ]; then
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
wait_for proposer_keystore "the proposer's encrypted keystore (manage.py keystore)"
wait_for proposer_keystore_password "its password"
wait_for relayer_keystore "the relayer's encrypted keystore (manage.py keystore)"
wait_for relayer_keystore_password "its password"
