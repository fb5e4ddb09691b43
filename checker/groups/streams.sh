# shellcheck shell=sh disable=SC2034,SC2154
# Random instructions in random states, bare and virtual.
# checks: streams/*
#
# STREAMS_CASES   how many cases (6144, 120,000 instructions; on Bochs 1536); make check-streams runs 150,000
# STREAMS_SHRINK  how many of those that differ are shrunk (2)

case ${platform_machine:-} in
bochs-*) streams_cases=${STREAMS_CASES:-1536} ;; # so that a check takes minutes
*) streams_cases=${STREAMS_CASES:-6144} ;;
esac

# What QEMU does in its own way: RF, and checks that it does not make (guests/streams/generate.h).
streams_manners()
{
  case ${platform_machine:-} in
  bochs-*) echo 'lenient=0 mask=0x10000' ;;
  *) echo 'lenient=1 mask=0x10000' ;;
  esac
}

guests_of_streams()
{
  guest "$1" "$2" 64 bare '' "${streams_image:-$B/checker/streams.elf}" \
    "seed=$seed ${streams_range:-from=0 to=$streams_cases} $(streams_manners)"
}

# The bare run of RUN; of an earlier check, if it has one.
streams_bare()
{
  if [ -n "$old_bare" ] && [ -r "$old_bare/$1.out" ]; then
    bare "$1" streams
    return
  fi
  begin "$1"
  guests_of_streams "$1" one
  (
    # shellcheck disable=SC1090
    . "$checker/platforms/$platform_bare.sh"
    run_seconds=$streams_seconds
    go "$1"
  )
}

# Both runs of NAME.
streams_pair()
{
  streams_seconds=$((60 + ${2:-$streams_cases} / 100))
  streams_bare "$1-bare"
  begin "$1-virtual"
  guests_of_streams "$1-virtual" one
  run_seconds=$streams_seconds
  go "$1-virtual"
}

# tool COMMAND NAME..: of the last runs of NAME
streams_tool()
{
  streams_command=$1 streams_of=$2
  shift 2
  "$B/checker/streams-tool" "$streams_command" "$@" \
    "$dir/$streams_of-bare.out" "$(sed -n "s/^nonce $streams_of-bare one //p" "$dir/info" | tail -n 1)" \
    "$dir/$streams_of-virtual.out" "$(sed -n "s/^nonce $streams_of-virtual one //p" "$dir/info" | tail -n 1)"
}

# With the cases of FILE in the image.
streams_given()
{
  streams_image=$dir/streams-given.elf
  "$B/checker/streams-tool" embed "$B/checker/streams.elf" "$1" "$streams_image" ||
    die "the cases of $1 do not fit"
  streams_range=${3:-detail=1}
  streams_pair "$2" 100
  streams_image='' streams_range=''
}

# shrink FILE: what is left of a case that differs; nothing if it does not differ alone.
streams_shrink()
{
  cp "$1" "$dir/attempts.cases"
  streams_rounds=0
  while [ "$streams_rounds" -lt 12 ]; do
    streams_given "$dir/attempts.cases" attempts
    streams_tool pick attempts "$dir/attempts.cases" >"$dir/picked.case" || break
    cp "$dir/picked.case" "$streams_file.small"
    "$B/checker/streams-tool" attempts "$dir/picked.case" >"$dir/attempts.cases"
    [ -s "$dir/attempts.cases" ] || break
    streams_rounds=$((streams_rounds + 1))
  done
}

# The smallest form of case INDEX of KIND, with what becomes of it, into streams-INDEX.case.
streams_reproducer()
{
  streams_file=$dir/streams-$1.case
  rm -f "$streams_file.small"
  "$B/checker/streams-tool" emit "$seed" "$1" "$(streams_manners | sed 's/lenient=\(.\).*/\1/')" >"$streams_file"
  streams_shrink "$streams_file"
  if [ ! -s "$streams_file.small" ]; then
    echo "$streams_file $2 case $1 differs only behind others: seed=$seed from=0 to=$(($1 + 1))" >>"$dir/streams.found"
    return
  fi
  mv "$streams_file.small" "$streams_file"
  sed -i "s/^case .*/case $seed-$1-$(basename "$platform" .sh)/" "$streams_file"
  streams_given "$streams_file" shown detail=2
  {
    "$B/checker/streams-tool" bytes "$streams_file" >"$dir/streams.bin"
    objdump -D -b binary -m "$("$B/checker/streams-tool" mode "$streams_file")" "$dir/streams.bin" 2>/dev/null |
      sed -n 's/^ *[0-9a-f]*:\t/#   /p' | tr '\t' ' ' || :
    streams_tool explain shown
  } >"$dir/streams.comment"
  cat "$dir/streams.comment" >>"$streams_file"
  echo "$streams_file $2 $(grep '^unit' "$streams_file" | cut -d' ' -f3- | tr '\n' ';')" >>"$dir/streams.found"
}

# From the blocks that differ to cases, and from these to small ones.
streams_search()
{
  rm -f "$dir"/streams-*.case
  : >"$dir/streams.found"
  : >"$dir/streams.differ"
  streams_tool differ streams block >"$dir/streams.blocks" && return
  streams_kinds="kernel user compatibility step interrupt exit device raw"
  # A block may differ only behind others, or only this time.
  head -n 3 "$dir/streams.blocks" >"$dir/streams.first"
  while [ ! -s "$dir/streams.differ" ] && read -r streams_block <&4; do
    streams_range="from=$streams_block to=$((streams_block + 512)) detail=1"
    streams_pair detail 512
    streams_range=""
    streams_tool differ detail case >"$dir/streams.differ" || :
  done 4<"$dir/streams.first"
  # One of a kind is enough.
  awk '!seen[$1 % 8]++' "$dir/streams.differ" | head -n "${STREAMS_SHRINK:-2}" >"$dir/streams.indexes"
  while read -r streams_index <&3; do
    # shellcheck disable=SC2086
    streams_reproducer "$streams_index" "$(printf '%s\n' $streams_kinds | sed -n "$((streams_index % 8 + 1))p")"
  done 3<"$dir/streams.indexes"
}

# Cases that once differed.
streams_known()
{
  cat "$checker"/streams/cases/*.case >"$dir/known.cases"
  echo "streams known $(grep -c '^case ' "$dir/known.cases")" >>"$dir/info"
  streams_given "$dir/known.cases" cases
}

check_streams()
{
  echo "streams cases $streams_cases" >>"$dir/info"
  # Of 16 and more that a case has.
  echo "streams instructions $((streams_cases * 16))" >>"$dir/info"
  streams_pair streams
  streams_search
  streams_known
}
