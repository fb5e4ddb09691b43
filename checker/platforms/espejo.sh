# shellcheck shell=sh disable=SC1091,SC2034,SC2154,SC2317
# Espejo, on whatever machine: how guests are given to it, and what it says of them.
platform_image=$B/hv/espejo.elf
# Beside what a platform file says of its emulator.
platform_can="$platform_can pause"

# Steps of a run (see pgcheck) in the words of hv/type1/script.h.
espejo_script()
{
  while read -r verb name rest; do
    case $verb in
    wait) echo "wait $name ended $rest" ;;
    type) echo "send $name \"$rest\"" ;;
    start) echo "vm start $name" ;;
    kill) echo "vm kill $name" ;;
    pause) echo "vm pause $name" ;;
    resume) echo "vm resume $name" ;;
    delete) echo "vm delete $name" ;;
    dump) echo "dump $name" ;;
    sleep) echo "sleep $name" ;;
    report)
      echo 'vm list'
      echo mem
      [ -z "$run_roots" ] || cut -d'|' -f1 "$dir/$1.guests" | sed 's/^/dump /'
      ;;
    esac
  done <"$dir/$1.steps" >"$dir/$1.script"
}

platform_run()
{
  run=$1 cpus=$run_cpus words=
  case $run_cpus:${platform_housekeeping:-} in
  1:* | *:) ;;
  *) cpus=$((run_cpus + 1)) words=" housekeeping" ;;
  esac
  set -- --machine "$platform_machine" --cpus "$cpus" --mem "$run_mem" --timeout "$run_seconds"
  while IFS='|' read -r name mem model options file cmdline; do
    set -- "$@" --module "$file name=$name mem=${mem}M cpu=$model${options:+ $options} -- $cmdline"
  done <"$dir/$run.guests"
  # Disks in memory: lines NAME|FILE.
  [ ! -s "$dir/$run.disks" ] || while IFS='|' read -r name file; do
    set -- "$@" --module "$file vm=$name role=disk"
  done <"$dir/$run.disks"
  if [ -s "$dir/$run.steps" ]; then
    espejo_script "$run"
    set -- "$@" --append "script-exit$words" --module "$dir/$run.script role=script"
  else
    set -- "$@" --append "exit=done$words"
  fi
  [ -z "$run_until" ] || set -- "$@" --until "$run_until"
  case $run_time:$platform_can in
  counted:*icount*) set -- "$@" --icount ;;
  esac
  case $run_time:$platform_can in
  flowing:*icount*) set -- "$@" --qemu -icount --qemu shift=0,sleep=on ;;
  esac
  case $run_count:$platform_can in
  yes:*count*) set -- "$@" --count "$dir/$run.count" --marks "$dir/$run.marks" ;;
  esac
  case $run_log:$platform_can in
  yes:*log*) set -- "$@" --log "$dir/$run.asm" ;;
  esac
  case $run_ram:$platform_can in
  yes:*ram*)
    rm -f "$dir/$run.ram"
    set -- "$@" --qemu -object --qemu "memory-backend-file,id=ram,size=${run_mem}M,mem-path=$dir/$run.ram,share=on" \
      --qemu -machine --qemu memory-backend=ram
    ;;
  esac
  "$tools/run" "$@" "$platform_image" </dev/null >"$dir/$run.out" 2>"$dir/$run.err"
}

. "$checker/platforms/vmexit.sh"

platform_facts()
{
  [ ! -s "$dir/$1.asm" ] || svm_log "$1"
  tr -d '\r' <"$dir/$1.out" | awk -v format="$platform_roots" '
    /^hv> vm list/ { list = 1; next }
    /^hv> dump / { dumped = $3; list = 0; next }
    /^hv> / { list = 0; dumped = "" }
    list && $1 ~ /^[0-9]+$/ && NF >= 7 {
      vm = $2; cause = ""
      for (i = 8; i <= NF; i++) cause = cause " " $i
      print "vm", vm, $3 cause
      print "run", vm, $6
      print "ran", vm, $6
    }
    list && $1 == "exits:" {
      sub(/^ *exits: */, "")
      n = split($0, part, ", ")
      for (i = 1; i <= n; i++) {
        count = part[i]; sub(/.* /, "", count)
        reason = part[i]; sub(/ [0-9]*$/, "", reason); gsub(/ /, "-", reason)
        print "exits", vm, reason, count
      }
    }
    dumped != "" && ($1 == "n_cr3" || $1 == "EPT_POINTER") {
      root = $2; sub(/^0x/, "", root)
      print "root", dumped, root, format
    }
    dumped != "" && ($1 == "cr3" || $1 == "GUEST_CR3") {
      cr3 = $2; sub(/^0x/, "", cr3)
      print "cr3", dumped, cr3
    }
    $1 == "memory:" && $3 == "MiB," { print "memory", $2, $7, $(NF - 1); list = 0 }
    $3 == "MiB," && $4 == "touched" && NF == 6 { print "touched", $1, $2, $5 }' >"$dir/$1.facts"
}
