#!/bin/sh
# The migrations lead to exactly the tables that the models describe, and back.
set -eu
INSTANCE_PATH=$(mktemp -d)
export INSTANCE_PATH
trap 'rm -rf "$INSTANCE_PATH"' EXIT
"$1/homeroom" db upgrade
"$1/homeroom" db check
"$1/homeroom" db downgrade base
