#!/bin/sh
# tests/long/compare.sh - `make compare` with all its columns, twice
PARTS='bare attack type1 type1-attack type2 type2-attack' \
  exec "$(dirname "$0")/../system/compare.sh"
