#!/bin/sh
# tests/long/claims.sh - docs/claims.md, every row; one at a time, since they share build/
COMMANDS=. JOBS=1 exec "$(dirname "$0")/../system/claims.sh"
