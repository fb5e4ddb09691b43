#!/bin/sh
# tests/system/hostile-uid.sh - where user namespaces are refused: submissions that read what they should not, in the sandbox by a uid
#
# In a copy of the tree, which is closed to others then (tools/grade-one); HOSTILE as for hostile.sh.
# shellcheck source=tests/system/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(id -u)" = 0 ] || {
  skip 'the sandbox by a uid' 'we are not root'
  finish
}
copy=$(mktemp -d /var/tmp/espejo-test-XXXXXX)
# What the grader keeps outside of its tree goes too.
trap 'cat "$copy"/build/grade-one/*/place 2>/dev/null | xargs -r rm -rf; rm -rf "$copy"' EXIT
trap 'exit 130' INT TERM HUP
git ls-files | tar -c -f - -T - | tar -x -f - -C "$copy"
mkdir "$copy/build"
(cd "$build" && find hv guest-os labs type2 containers checker container espejo-net espejo-vm type2-init tools setup -type f | tar -c -f - -T -) |
  tar -x -f - -C "$copy/build"
(cd "$copy" && unset B && SANDBOX=uid HOSTILE="${HOSTILE:-05 06 07 08 18 22 29 30}" tests/system/hostile.sh)
