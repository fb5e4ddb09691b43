# shellcheck shell=sh disable=SC2034,SC2154
# tools/lib.sh - what the tools have in common: messages, the package list, probes
#
# Sourced after root= is set to the tree's top directory.

# The catalogue of messages: Spanish where the locale says so, else none, as the tools speak English.
case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in
es*) language=es ;;
*) language=en ;;
esac

# words FORMAT ARGUMENT...: like printf, in the reader's language.  tools/po/es.po is gettext's format, and read here: gettext's
# own program wants a compiled catalogue and a Spanish locale, and doctor and setup run before anything is installed.
words()
{
  format=$1
  shift
  if [ "$language" != en ]; then
    translated=$(FORMAT=$format awk -f "$root/tools/po/lookup.awk" "$root/tools/po/$language.po")
    format=${translated:-$format}
  fi
  # shellcheck disable=SC2059
  printf "$format" "$@"
}

# msg FORMAT ARGUMENT...: the same, and the end of the line.
msg()
{
  words "$@"
  echo
}

# trim TEXT: sets $trimmed, without a process.
trim()
{
  trimmed=${1#"${1%%[! ]*}"}
  trimmed=${trimmed%"${trimmed##*[! ]}"}
}

# each_tool FUNCTION: calls it for every tool, which then is in $tool, $group,
# $probe, $package and $purpose.
each_tool()
{
  while IFS='|' read -r tool group probe package purpose; do
    case $tool in
    'tool '*) ;;
    *) continue ;;
    esac
    trim "${tool#tool }" && tool=$trimmed
    trim "$group" && group=$trimmed
    trim "$probe" && probe=$trimmed
    trim "$package" && package=$trimmed
    trim "$purpose" && purpose=$trimmed
    "$1"
  done <"$root/tools/packages"
}

# groups_of TARGET VARIANT...: sets $groups, " a b c ".
groups_of()
{
  groups=' '
  target=$1
  shift
  while read -r word name rest; do
    [ "$word" = need ] || continue
    for want in "$target" "$@"; do
      case $name in
      "$want") groups="$groups$rest " ;;
      esac
    done
  done <"$root/tools/packages"
}

# run_probe: is the tool of each_tool there?  Sets $found to its file, $why to
# the reason if it is there but does not serve.
run_probe()
{
  found='' why=''
  case $probe in
  'cmd '*) first_of "${probe#cmd }" command -v ;;
  'file '*) first_of "${probe#file }" is_file ;;
  'fun '*) "probe_${probe#fun }" ;;
  esac
}

# shellcheck disable=SC2317
is_file()
{
  [ -e "$1" ] && echo "$1"
}

# first_of A,B COMMAND...: sets $found to what COMMAND prints of the first that it accepts.
first_of()
{
  list=$1
  shift
  while [ -n "$list" ]; do
    item=${list%%,*}
    list=${list#"$item"}
    list=${list#,}
    found=$("$@" "$item") && return 0
  done
  found=
  return 1
}

# slow_probe NAME FILE FUNCTION: the answer of FUNCTION is kept under build/ as
# long as FILE stays the same file; only success is kept.
slow_probe()
{
  stamp=$(build_dir)/setup/$1
  identity=$(ls -lL "$2" 2>/dev/null) || return 1
  kept=
  [ ! -r "$stamp" ] || IFS= read -r kept <"$stamp" || :
  [ "$kept" != "$identity" ] || return 0
  "$3" "$2" || return 1
  mkdir -p "${stamp%/*}" && printf '%s\n' "$identity" >"$stamp"
}

# number_in: the first version number in the text on standard input.
number_in()
{
  sed -n 's/^[^0-9]*\([0-9][0-9]*\.[0-9][0-9.]*\).*/\1/p' | sed -n '1p'
}

# at_least VERSION MAJOR MINOR
at_least()
{
  major=${1%%.*}
  minor=${1#*.}
  minor=${minor%%.*}
  [ "${major:-0}" -gt "$2" ] || { [ "${major:-0}" -eq "$2" ] && [ "${minor:-0}" -ge "$3" ]; }
}

probe_make()
{
  found=$(command -v make) || return 1
  slow_probe make "$found" make_is_new
}

# shellcheck disable=SC2317
make_is_new()
{
  why='older than 4.0'
  at_least "$("$1" --version | number_in)" 4 0
}

# The compiler of x86-64 code: gcc on an x86-64 host, else the cross compiler's group.
probe_target_gcc()
{
  case $(uname -m) in
  x86_64 | amd64) found=$(command -v gcc) ;;
  *) found=$(command -v cc) ;;
  esac
}

probe_libfuzzer()
{
  found=$(command -v clang) || return 1
  slow_probe libfuzzer "$found" clang_fuzzes
}

# shellcheck disable=SC2317
clang_fuzzes()
{
  why='without libFuzzer'
  set -- "$("$1" -print-runtime-dir)"/libclang_rt.fuzzer*
  [ -e "$1" ]
}

probe_qemu()
{
  found=$(command -v "${QEMU:-qemu-system-x86_64}") || return 1
  slow_probe qemu "$found" qemu_has_svm
}

# shellcheck disable=SC2317
qemu_has_svm()
{
  why='older than 7.2'
  at_least "$("$1" --version | number_in)" 7 2 || return 1
  why='its -cpu max offers no svm'
  printf '%s\n' '{"execute":"qmp_capabilities"}' \
    '{"execute":"query-cpu-model-expansion","arguments":{"type":"full","model":{"name":"max"}}}' \
    '{"execute":"quit"}' |
    timeout 20 "$1" -accel tcg -S -nodefaults -display none -qmp stdio 2>/dev/null |
    grep -q '"svm": true' || return 1
  why=
}

probe_bochs()
{
  found=$(command -v bochs) || return 1
  slow_probe bochs "$found" bochs_serves
}

# shellcheck disable=SC2317
bochs_serves()
{
  why='it lacks the CPU models corei7_skylake_x and ryzen'
  models=$("$1" --help cpu 2>&1) || :
  case $models in
  *corei7_skylake_x*ryzen* | *ryzen*corei7_skylake_x*) ;;
  *) return 1 ;;
  esac
  why='it has no display that works without a screen'
  [ -n "$(bochs_display)" ] || return 1
  why=
}

# bochs_display: the display to use, one that needs no screen if there is one.
bochs_display()
{
  plugins=$(bochs --help 2>&1 | sed -n "s/.*default '\(.*\)'.*/\1/p" | head -n 1)
  plugins=${LTDL_LIBRARY_PATH:-$plugins}
  for gui in nogui rfb x sdl2 sdl wx; do
    [ -e "$plugins/libbx_${gui}_gui.so" ] || continue
    case $gui in
    nogui) echo nogui ;;
    # Each instance finds a port of its own; none waits for a viewer.
    rfb) echo 'rfb, options="timeout=0"' ;;
    *) [ -n "${DISPLAY:-}" ] && echo "$gui" ;;
    esac
    return
  done
}

probe_static_busybox()
{
  found=$(command -v busybox) || return 1
  slow_probe busybox "$found" is_static
}

# An ELF program that names no interpreter is linked statically.
# shellcheck disable=SC2317
is_static()
{
  why='not linked statically'
  ! LC_ALL=C grep -a -q -e '/ld-linux' -e '/ld-musl' "$1" || return 1
  why=
}

# scaled SECONDS: times TIMEOUT_SCALE, which may be a fraction, in whole seconds, rounded up.
scaled()
{
  awk -v s="$1" -v by="${TIMEOUT_SCALE:-1}" 'BEGIN { n = s * by; print (n > int(n) ? int(n) + 1 : n) }'
}

# build_dir: the absolute name of make's $(B).
build_dir()
{
  case ${B:-build} in
  /*) echo "$B" ;;
  *) echo "$root/${B:-build}" ;;
  esac
}

# host_tool NAME SOURCE...: sets $program to a tool that is compiled for this
# host from tools/SOURCE when it is older; a C compiler is always there.
host_tool()
{
  program=$(build_dir)/tools/$1
  shift
  stale=$program
  if [ -x "$program" ]; then
    stale=$(cd "$root/tools" && find "$@" ./*.h -newer "$program")
  fi
  [ -n "$stale" ] || return 0
  mkdir -p "${program%/*}" &&
    (cd "$root/tools" && "${HOSTCC:-cc}" -std=gnu17 -O1 -Wall -o "$program.$$" "$@") &&
    mv "$program.$$" "$program"
}
