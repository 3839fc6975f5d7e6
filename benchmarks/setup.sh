#!/bin/sh
# sh setup.sh VENV REQUIREMENTS: create an environment of the peers: uv if it is there, pip if not. Does nothing when it
# is up to date.
set -eu
cd "$(dirname "$0")/.."
venv=$1
requirements=$2
if [ -f "$venv/.ready" ] && [ "$venv/.ready" -nt "$requirements" ]; then
    exit 0
fi
if command -v uv >/dev/null 2>&1; then
    [ -d "$venv" ] || uv venv --quiet "$venv"
    uv pip install --quiet --python "$venv/bin/python" -r "$requirements"
else
    [ -d "$venv" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet -r "$requirements"
fi
touch "$venv/.ready"
