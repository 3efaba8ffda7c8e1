#!/bin/sh
# The campaigns of scripts/reliability with small numbers.
set -u
BUILD=$(dirname "$1") exec scripts/reliability short
