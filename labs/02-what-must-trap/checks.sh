# shellcheck shell=sh disable=SC2034,SC2154
# checks.sh - how lab 2 is judged; tools/grade sources it
#
# 2.1 and 2.2 are judged by what they say of records: of the census in this folder, and of
# the instructions of a machine that is invented anew for each submission.  2.3 to 2.5 by what the
# guest kernel finds behind the monitor, and by how many traps that took.  2.6 by its verdicts.

hv='B/hv/espejo.elf'
monitor='B/labs/02-what-must-trap/monitor.elf'
script() { printf '%s\n' "labs/02-what-must-trap/$1.script role=script"; }

# ---- The classes --------------------------------------------------------------------------------

# same TITLE EXPECTED LOOK: every line of standard input is one of $out, which was written by classify.
same()
{
  [ -z "$stop" ] || return 0
  while IFS= read -r line; do
    grep -a -q -x -F -e "$line" "$out" && continue
    name=${line%%  *}
    got=$(grep -a -F -e "$name " "$out" | head -n 1)
    record "$1" fail "$(texts "$2" "$(verbatim "$line")")" "${got:-$(tail -n 1 "$out")}" "$3"
    return 0
  done
  record "$1" pass "$2" 'as expected' "$3"
}

# Forms of the census, chosen for what each of them shows.
census()
{
  host census B/checker/classify.elf labs/02-what-must-trap/census
  same 'the census' 'the class, rules, modes and states of this form' "$1" <<'END'
SGDT m             violates   B in l3,c3,d3,p3,v traps with umip
PUSHF              violates   B in l3,c3,d3,p3 unlocked by iopl
POPF               violates   A in l3,p3 unlocked by iopl
MOV r,CS           violates   A in l3,p3
VERR r             violates   C in l3,c3,d3,p3
MOV SS,r           violates   AC in l3,c3,p3 traps with dpl
SMSW m             violates   AB in l3,c3,d3,p3,v traps with umip
RDTSC              violates   E in l3,c3,d3,p3,v traps with tsd
IN AL,DX           sensitive  D unlocked by iopl
CLI                sensitive  B unlocked by iopl
FTST               innocuous  - traps with ts
CLAC               privileged -
in all: 5 faults, 53 innocuous, 14 privileged, 52 sensitive, 82 violates
of Robin and Irvine's 17: SGDT SIDT SLDT SMSW PUSHF POPF LAR LSL VERR/VERW POP PUSH CALL JMP INT RET STR MOV: 17
END
}

# Twenty instructions that no processor has, lines "NAME:RECORD|EXPECTED".  Each has a secret: what it
# shows, in which modes and by which state.
invent()
{
  awk -v nonce="$nonce" '
    function draw(n) { seed = (seed * 16807) % 2147483647; return int(seed / 64) % n }
    function pick(list, words) { return words[1 + draw(split(list, words, " "))] }
    # Some of the user modes l3 c3 d3 p3 v, at least one: mask and names.
    function modes(  i, n) {
      mask = 0; names = ""
      while (!mask)
        for (i = 0; i < 5; i++)
          if (draw(2)) {
            mask += bit[i]
            names = names (names == "" ? "" : ",") name[i]
          }
      return sprintf("%x", mask)
    }
    function put(record, verdict) {
      n++
      id = sprintf("op%d-%s", n, substr(nonce, 1 + n % 4, 4))
      printf "%s:1 %s|%-18s %s\n", id, record, id, verdict
    }
    BEGIN {
      for (i = 1; i <= length(nonce); i++)
        seed = (seed * 16 + index("0123456789abcdef", substr(nonce, i, 1))) % 2147483647
      seed += 1 + draw(7)
      split("2 4 8 32 128", b, " "); split("l3 c3 d3 p3 v", m, " ")
      for (i = 0; i < 5; i++) { bit[i] = b[i + 1]; name[i] = m[i + 1] }
      runs = "x.aaa = = = = = = ="; priv = "x.aaa 0d.aaa = = x.aaa 0d.aaa x.aaa 0d.aaa"
      for (round = 0; round < 2; round++) {
        s = pick("gdtr idtr ldtr tr msw regs")
        put(runs " " s "=x.bbb/" modes(), "violates   B in " names)
        put(runs " pic=x.bbb/" modes(), "violates   D in " names)
        put(runs " dpl=0d/" modes(), "violates   C in " names " traps with dpl")
        t = pick("ts umip tsd xsave")
        put(runs " " t "=0d/" modes(), "innocuous  - traps with " t)
        put(runs " " s "=x.bbb/11", "innocuous  -")
        put(priv " iopl=x.ccc/" modes(), "privileged - unlocked by iopl")
        put(priv " " s "=x.bbb/11 iopl=x.ccc/" modes(), "sensitive  B unlocked by iopl")
        put(priv " dpl=0b/" modes(), "privileged -")
        one = modes(); one_names = names; one_mask = mask
        put(runs " " s "=x.bbb/" one " dpl=0d/" one, "violates   BC in " one_names " traps with dpl")
      }
      put("x.aaa x.bbb x.aaa = = x.bbb x.aaa =", "violates   A in l3,p3")
      put("x.aaa = = = = = = x.bbb gdtr=x.ccc/2", "violates   AB in l3,v")
    }'
}

invented()
{
  invent >"$work/$id/invented"
  set --
  while IFS='|' read -r one _; do set -- "$@" "$one"; done <"$work/$id/invented"
  host invented B/checker/classify.elf "$@"
  cut -d '|' -f 2 "$work/$id/invented" >"$work/$id/expected"
  same 'an invented machine' 'what follows from its record' "$(texts "$look" "$(text 'the records: %s' "build/grade/$lab/$id/invented")")" \
    <"$work/$id/expected"
}

check_2_1()
{
  look='the contract of rules_of_states, and the rules in checker/isa/census.h'
  census "$look"
  invented
}

check_2_2()
{
  look='the contract of derive_user, and struct isa_verdict in checker/isa/census.h'
  census "$look"
  invented
}

# ---- The monitor ----------------------------------------------------------------------------

# monitor_said TITLE LINE..: the monitor's lines are these.
monitor_said()
{
  [ -z "$stop" ] || return 0
  title=$1
  shift
  printf '%s\n' "$@" >"$work/$id/expected"
  sed -n 's/^.translate. \(monitor: .*\)/\1/p' "$out" >"$work/$id/said"
  if cmp -s "$work/$id/said" "$work/$id/expected"; then
    record "$title" pass "$(verbatim "$*")" 'as expected' "$look"
  else
    record "$title" fail "$(verbatim "$*")" "$(cat "$work/$id/said")" "$look"
  fi
}

translated()
{
  about='^.translate. '
  run translate --append script-exit "$hv" \
    --module "$monitor name=translate mem=16M -- how=translate nonce=$nonce" \
    --module "$(script translate)"
  expect 'right answers' 'behind the patches the kernel finds what it finds at CPL 0' "$look" \
    '!^.translate. monitor: .*, and then no further$' '!^.translate.   .* WRONG$' \
    '!^.translate. monitor: (no answer|a trap|the guest)' '!^VM translate is dead' \
    "^.translate. $nonce: 19 of 19 answers are right\$" '^VM translate is off: the guest wrote 0 '
  monitor_said 'no more than must' 'monitor: 22 instructions patched' \
    'monitor: 220 traps by a patch, 733 by the processor'
}

check_2_4()
{
  look='the contract of must_trap, and the forms of the census that violate in mode l3'
  translated
}

check_2_3()
{
  look='the contract of translate: where does each instruction begin, and what is kept of it?'
  translated
}

check_2_5()
{
  look='the contract of emulate_flags: whose is each flag, and how many bytes are moved?'
  translated
  expect 'flags of the real CPU' 'the guest never gets at IF or IOPL of the processor' "$look" \
    '!the guest has got at IF' '^.translate. kernel '
}

# ---- The probe ------------------------------------------------------------------------------

# A machine with the hypervisor $2, and the probe in it.
probe()
{
  run "$1" --append script-exit "$2" \
    --module "B/labs/02-what-must-trap/probe.elf name=probe mem=16M -- nonce=$nonce" \
    --module "$(script probe)"
}

check_2_6()
{
  look="the contract at the top of probe.c, and the manuals' pages of the instructions"
  probe right "$hv"
  expect 'a right machine' 'no alarm: all questions are answered by yes' "$look" \
    '!^.probe. probe: wrong: ' "^.probe. probe $nonce: [0-9]+ questions, a right machine\$"
  expect 'six questions' 'six questions or more' "$look" \
    '!^.probe. probe [0-9a-f]+: [0-5] questions' "^.probe. probe $nonce: [0-9]+ questions"
  told=0 tried=0
  for bug in a b c d e f; do
    variant hidden "$bug" || break
    probe "wrong-$bug" "$variant/hv/espejo.elf"
    tried=$((tried + 1))
    grep -a -q "a right machine\$" "$out" || told=$((told + 1))
  done
  [ "$tried" -gt 0 ] || return 0
  if [ "$told" -ge 4 ]; then
    record 'wrong machines' pass 'at least 4 of 6 wrong machines are told' "$told" "$look"
  else
    record 'wrong machines' fail 'at least 4 of 6 wrong machines are told' "$(text '%s of %s' "$told" "$tried")" \
      'which instructions does the probe not ask: CPUID, MSRs, CR4, CR8, ports, calls?'
  fi
}

# ---- All together ---------------------------------------------------------------------------

check_whole()
{
  look='the exercises one by one'
  census "$look"
  run whole --append script-exit "$hv" \
    --module "$monitor name=hardware mem=16M -- how=hardware nonce=$nonce" \
    --module "$monitor name=ring3 mem=16M -- how=ring3 nonce=$nonce" \
    --module "$monitor name=translate mem=16M -- how=translate nonce=$nonce" \
    --module "$(script demo)"
  expect 'three ways' 'the same kernel at CPL 0, at CPL 3, and at CPL 3 with patches' "$look" \
    "^.hardware. $nonce: 19 of 19 answers are right\$" \
    "^.ring3. $nonce: 4 of 19 answers are right\$" \
    "^.translate. $nonce: 19 of 19 answers are right\$"
}
