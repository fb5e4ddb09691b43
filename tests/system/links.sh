#!/bin/sh
# tests/system/links.sh - no text of the tree sends its reader to what is not there, as TAP
#
# Of README.md, docs, handouts and lectures: links lead to files and headings that exist, files that a text
# names are in the tree, addresses outside look like addresses (nobody asks the network).
# shellcheck source=tests/system/lib.sh disable=SC2317,SC2016
. "$(dirname "$0")/lib.sh"

work=$(mktemp -d "${TMPDIR:-/tmp}/espejo-links.XXXXXX") || exit 1
trap 'rm -rf "$work"; tidy' EXIT

# Paths that are somebody else's: QEMU's.
FOREIGN='docs/specs/fw_cfg'

# A text without its blocks of code and without what stands between backticks.
uncoded() { sed -e '/^```/,/^```$/d' -e '/^    /d' -e 's/`[^`]*`//g' "$1"; }

# The targets of a text's links: [text](target), [name]: target, href="target", <scheme:..>.
targets()
{
  uncoded "$1" | grep -o -E '\]\([^)]*\)' | sed 's/^](//; s/)$//; s/ ".*"$//'
  uncoded "$1" | sed -n 's/^\[[^]]*\]: *//p'
  uncoded "$1" | grep -o 'href="[^"]*"' | sed 's/^href="//; s/"$//'
  uncoded "$1" | grep -o -E '<[a-z]+:[^>]*>' | tr -d '<>'
}

# Names of a text's headings, as those who show Markdown make them: small letters, no marks, hyphens for blanks.
anchors()
{
  sed '/^```/,/^```$/d' "$1" | sed -n 's/^##* //p' | LC_ALL=C.UTF-8 sed 's/.*/\L&/; s/[^[:alnum:] _-]//g; s/ /-/g'
  grep -o '{#[a-z0-9-]*}' "$1" | tr -d '{#}'
}

# What is wrong with the links of a text, a line each.
dead_links()
{
  from=$1
  [ -f "$from" ] || echo "no such text: $from"
  targets "$from" | while IFS= read -r target; do
    case $target in
    http://* | https://*)
      echo "$target" | grep -q -E '^https?://[a-z0-9-]+(\.[a-z0-9-]+)+(/[^ ]*)?$' || echo "no address: $target"
      continue
      ;;
    *:*)
      echo "neither a file nor http: $target"
      continue
      ;;
    esac
    file=${target%%#*} anchor=
    case $target in *'#'*) anchor=${target#*#} ;; esac
    case $file in '') file=$from ;; /*) ;; *) file=$(dirname "$from")/$file ;; esac
    if [ ! -e "$file" ]; then
      echo "no file: $target"
    elif [ -n "$anchor" ] && ! anchors "$file" | grep -q -x -F -e "$anchor"; then
      echo "no heading: $target"
    fi
  done
}

# Files of the tree that a text names, by their folder: a pattern, a file, or a program tools/NAME made of NAME.c.
dead_names()
{
  grep -o -E '(^|[^[:alnum:]_./-])(hv|docs|labs|tools|tests|checker|slides|guest-os|\.ci)/[[:alnum:]_.*/-]+' "$1" |
    sed -E 's/^[^[:alnum:].]//; s/[.]+$//' | sort -u | while IFS= read -r name; do
    case " $FOREIGN " in *" $name "*) continue ;; esac
    case $name in *NN* | *XX*) continue ;; esac
    # shellcheck disable=SC2086
    set -- $name
    [ -e "$1" ] || [ -e "$1.c" ] || echo "no file: $name"
  done
}

alive()
{
  { dead_links "$1" && dead_names "$1"; } >"$work/dead"
  cat "$work/dead"
  [ ! -s "$work/dead" ]
}

# What a lecture's @code names is looked at when it is rendered; here, that each lab has its handout beside it.
lab_of_deck()
{
  deck=$(basename "$(dirname "$1")")
  [ "$deck" = 00-opening ] || [ -d "labs/$deck" ] || { echo "no lab $deck" && return 1; }
}

# What a handout names is in the tree that its students get: nothing of labs/private, no other lab's folder.
held_by_students()
{
  [ -f "$1" ] || { echo "no such text: $1" && return 1; }
  lab=${1#labs/} lab=${lab%%/*}
  grep -o -E '(^|[^[:alnum:]_./-])(hv|docs|labs|tools|tests|checker|slides|guest-os|\.ci)/[[:alnum:]_.*/-]+' "$1" |
    sed -E 's/^[^[:alnum:].]//; s/[.]+$//' | sort -u >"$work/named"
  grep -E '^labs/[0-9]' "$work/named" | grep -v "^labs/$lab\(/\|\$\)" >"$work/unheld"
  # Patterns of the shell: a name is what they match, or lies in it.
  while IFS= read -r name; do
    while IFS= read -r private; do
      case $private in '' | '#'*) continue ;; esac
      # shellcheck disable=SC2254
      case $name/ in ${private%/} | ${private%/}/*) echo "$name ($private)" ;; esac
    done <labs/private
  done <"$work/named" >>"$work/unheld"
  cat "$work/unheld"
  [ ! -s "$work/unheld" ]
}

held_is_seen()
{
  mkdir -p "$work/labs/00-toolbox"
  printf '%s\n' '`labs/00-toolbox/pair.S`, `labs/00-toolbox/wrong/x`, labs/03-first-guest/first.S, tests/unit.' \
    >"$work/labs/00-toolbox/README.md"
  (
    cp labs/private "$work/labs/private" && cd "$work" || exit 1
    ! held_by_students labs/00-toolbox/README.md && [ "$(grep -c . "$work/unheld")" -eq 3 ]
  )
}

# Each option that hv/type1/options.c knows has a row in docs/machine.md, and each row is an option.
options_are_told()
{
  sed -n -E 's/^\t\t(\[[A-Z]+\] = )?\{ "([a-z-]+)", .*/\2/p' hv/type1/options.c | sort >"$work/known"
  [ "$(grep -c . "$work/known")" -ge 20 ] || { echo 'hv/type1/options.c was not understood' && return 1; }
  sed -n '/^## How a machine is described/,/^## CPU models/s/^| `\([a-z-]*\)=\{0,1\}` |.*/\1/p' docs/machine.md | sort |
    diff "$work/known" -
}

# The check itself can fail: each line of this text but the last two is wrong.
wrong_ones_are_seen()
{
  mkdir -p "$work/docs"
  cat >"$work/docs/wrong.md" <<'TEXT'
# A heading, once
[a](missing.md) and [b](#nowhere) and [c](right.md#nowhere)

[d](ftp:somewhere) and <https://nowhere> and [e]( )

`hv/vm/missing.c`, docs/missing.md and tools/missing
[f](right.md#here-it-is) and [g](#a-heading-once) and <https://example.org/x>
`hv/vm/vm.c`, `labs/*/points`, tools/split, `tools/run`.
TEXT
  printf '# Other\n\n## Here: it is\n' >"$work/docs/right.md"
  alive "$work/docs/wrong.md" >"$work/seen" && return 1
  cat "$work/seen"
  [ "$(grep -c . "$work/seen")" -eq 9 ]
}

texts=$(git ls-files '*.md' | grep -v '^labs/private/')
check 'there are texts to be read' sh -c "[ \"\$(printf '%s\n' '$texts' | wc -l)\" -ge 40 ]"
for document in $texts; do
  check "$document: what it leads to is there" alive "$document"
  case $document in slides/*) check "$document: its lab is there" lab_of_deck "$document" ;; esac
  case $document in labs/*/*) check "$document: what it names is in a handout" held_by_students "$document" ;; esac
done
check 'docs/machine.md tells every option, and no other' options_are_told
check 'dead links and names are found' wrong_ones_are_seen
check 'names of what a handout lacks are found' held_is_seen
finish
