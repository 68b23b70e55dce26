#!/bin/sh
# Everything that running and testing Headroom takes, into .venv, boards/virtual/node_modules and, for
# the browser tests, Debian's Chromium. Each step is skipped where it has been done.
set -eu
cd "$(dirname "$0")/.."

stamp=build/setup.stamp
want=$(cat pyproject.toml constraints.txt boards/virtual/package-lock.json tools/setup.sh | cksum)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$want" ] || [ ! -x .venv/bin/python ] ||
    [ ! -d boards/virtual/node_modules ]; then
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
    mkdir -p build
    printf '%s' "$want" >"$stamp"
fi

if [ "${1:-}" = browser ] && ! command -v chromium >/dev/null; then
    echo "setup: Chromium from Debian's packages"
    sudo=
    [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get -qq update
    DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq install -y --no-install-recommends \
        chromium fonts-dejavu-core >/dev/null
fi
