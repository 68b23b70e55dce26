#!/bin/sh
# Everything that running and testing Headroom takes, into .venv, boards/virtual/node_modules and, for
# the coordinator's tests (`system`), from Debian's packages. Each step is skipped where it is done.
set -eu
cd "$(dirname "$0")/.."

stamp=build/setup.stamp
want=$(cat pyproject.toml constraints.txt */*/package-lock.json tools/setup.sh | cksum)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$want" ] || [ ! -x .venv/bin/python ] ||
    [ ! -d boards/virtual/node_modules ] || [ ! -d host/tests/node_modules ]; then
    python=$(command -v python3)
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
        echo "setup: $python is older than Python 3.11" >&2
        exit 1
    }
    echo "setup: Python packages into .venv"
    [ -x .venv/bin/python ] || "$python" -m venv .venv || {
        echo "setup: $python cannot make a virtual environment; on Debian install python3-venv" >&2
        exit 1
    }
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
    echo "setup: MicroPython into boards/virtual/node_modules"
    PATH="$PWD/.venv/bin:$PATH" npm --prefix boards/virtual ci --no-audit --no-fund --loglevel=error
    echo "setup: axe, which tests the page, into host/tests/node_modules"
    PATH="$PWD/.venv/bin:$PATH" npm --prefix host/tests ci --no-audit --no-fund --loglevel=error
    mkdir -p build
    printf '%s' "$want" >"$stamp"
fi

# debian COMMAND PACKAGE...   installs Debian's packages unless the command is there
debian() {
    ! command -v "$1" >/dev/null || return 0
    echo "setup: $1 from Debian's packages"
    shift
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get -qq update
    DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq install -y --no-install-recommends "$@" >/dev/null
}

if [ "${1:-}" = system ]; then
    debian chromium chromium fonts-dejavu-core
    debian prometheus prometheus
    debian pg_createcluster postgresql
    debian strace strace
    debian curl curl
    debian jq jq
fi
