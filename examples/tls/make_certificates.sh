#!/usr/bin/env bash
# make_certificates.sh DIRECTORY [NAME]: an authority, a server's certificate for localhost and a client's for NAME
# (client.example), with their keys, to try TLS with: good for 30 days. In earnest they come from your own authority.
set -euo pipefail
umask 077
directory=$1
client=${2:-client.example}
mkdir -p "$directory"
cd "$directory"

cat >openssl.cnf <<'CONFIG'
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = serverAuth
subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1
[client]
basicConstraints = critical,CA:FALSE
extendedKeyUsage = clientAuth
subjectAltName = DNS:${ENV::CLIENT_NAME}
CONFIG
export CLIENT_NAME=$client

# certificate NAME COMMON-NAME OPTION...
certificate() {
  local name=$1 common_name=$2
  shift 2
  openssl req -x509 -config openssl.cnf -extensions "$name" -subj "/CN=$common_name" -days 30 -noenc \
    -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout "$name.key" -out "$name.pem" "$@" 2>openssl.log ||
    { cat openssl.log >&2; return 1; }
}
certificate authority "an authority to try TLS with"
certificate server localhost -CA authority.pem -CAkey authority.key
certificate client "$client" -CA authority.pem -CAkey authority.key
rm openssl.cnf openssl.log
