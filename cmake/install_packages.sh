# Sourced by the scripts that build: install_packages PACKAGE... installs those of Debian's packages that are missing.
# Asks nothing; needs root, or sudo that asks for no password or has a terminal to ask on.

install_packages() {
  local package missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null)" = "ii " ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "Missing packages, and neither root nor sudo to install them with. As root, run:" >&2
      echo "  apt-get install ${missing[*]}" >&2
      return 1
    }
    as_root=(sudo)
  fi
  echo "Installing ${#missing[@]} of Debian's packages: ${missing[*]}"
  local log
  log=$(mktemp)
  if "${as_root[@]}" apt-get update >"$log" 2>&1 &&
     "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1
  then
    rm -f "$log"
  else
    tail -n 20 "$log" >&2
    echo "apt-get failed; the whole of its output is in $log" >&2
    return 1
  fi
}

# What a build of the libraries and examples needs, and what the tests and benchmarks need beside it.
build_packages=(
  g++ cmake ninja-build pkg-config
  libgrpc++-dev libprotobuf-dev libprotoc-dev protobuf-compiler protobuf-compiler-grpc grpc-proto libabsl-dev
  libsystemd-dev openssl
)
test_packages=(libgtest-dev libgmock-dev libbenchmark-dev python3-grpcio python3-protobuf python3-prometheus-client
               systemd systemtap-sdt-dev dpkg-dev file make)
# A machine may have a Node.js of its own, which Debian's packages would take the place of.
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then test_packages+=(nodejs npm); fi
