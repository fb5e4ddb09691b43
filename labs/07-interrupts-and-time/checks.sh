# shellcheck shell=sh disable=SC2154
# checks.sh - how lab 7 is judged; tools/grade sources it
#
# irqs.elf prints the order in which interrupts came; ticker.elf how many ticks a timer gave,
# and when.  Both print the nonce.  What has a number of exits has the same on every machine.

hv='B/hv/espejo.elf'
here='labs/07-interrupts-and-time'

# irqs MODE: the scenes of MODE.
irqs()
{
  run "$1" --append script-exit "$hv" \
    --module "B/$here/irqs.elf name=irqs mem=16M -- $1 $nonce" \
    --module "$here/alone.script role=script"
}

# scene MODE NAME EXPECTED TITLE WHAT: a line of irqs.
scene()
{
  line=$(grep -a -m 1 -o -E "^\\[irqs\\] $1 $nonce $2:.*" "$out") || line=
  if [ -n "$line" ] && ! printf '%s\n' "$line" | grep -q -x -E ".*: $3"; then
    record "$4" fail "$(texts "$5" "$(verbatim "$3")")" "$2:${line#*:}" "$look"
  else
    expect "$4" "$(texts "$5" "$(verbatim "$3")")" "$look" "^\\[irqs\\] $1 $nonce $2: $3\$"
  fi
}

# windows TITLE NUMBER: exits that a window caused.
windows()
{
  got=$(sed -n 's/^ *exits: .*interrupt window \([0-9]*\).*/\1/p' "$out" | head -n 1)
  if [ "$got" = "$2" ]; then
    record "$1" pass "$(text '%s exits by interrupt windows' "$2")" "$got" "$look"
  else
    record "$1" fail \
      "$(text '%s exits by interrupt windows, one for each interrupt that had to wait' "$2")" \
      "${got:-$(text 'none')}" "$look"
  fi
}

# ticker MODE TICKS: a clock beside a guest that keeps the CPU for turns of 5 ms.
ticker()
{
  run "beside-$1-$2" --append script-exit "$hv" \
    --module "B/$here/stubborn.elf name=stubborn mem=16M weight=50" \
    --module "B/$here/ticker.elf name=ticker mem=16M ticks=$2 -- $1 $nonce" \
    --module "$here/beside.script role=script"
}

# report MODE LINE: the numbers below that line: $ticks, $early, $crowded, $late.
report()
{
  ticks='' early='' crowded='' late=''
  # shellcheck disable=SC2046
  set -- $(sed -n "/^\\[ticker\\] $1 $nonce $2:/{n;s/[^0-9]/ /gp;}" "$out")
  [ $# -eq 5 ] || return 0
  ticks=$1 early=$3 crowded=$4 late=$5
}

# between TITLE LOW HIGH NUMBER EXPECTED
between()
{
  if [ -n "$4" ] && [ "$4" -ge "$2" ] && [ "$4" -le "$3" ]; then
    record "$1" pass "$5" "$4" "$look"
  else
    record "$1" fail "$5" "$(texts "${4:-$(text 'no such line')}" "$(grep -a -F ' ticks ' "$out" | tr '\n' ';')")" "$look"
  fi
}

pic_scenes()
{
  irqs pic
  scene pic priority 'TCS' 'priority' 'IRQs 4, 8 and 0 ask; they come as 0, 8 (through 2), 4'
  scene pic nested 'S\(T\)S' 'in service' 'in the handler of IRQ 4 only IRQ 0 comes, not another 4'
  scene pic masked '-S' 'masked' 'a masked request waits until it is unmasked'
  scene pic rotated 'STS\(\)T' 'rotation' 'with IRQ 4 the highest, IRQ 0 waits for its end'
  scene pic special 'S\(T\)' 'special mask mode' 'IRQ 4 in service, but masked, holds nobody back'
}

lapic_scenes()
{
  irqs lapic
  scene lapic nested 'b\(c\)a' 'higher class' 'in b, c comes at once and a waits for the EOI'
  scene lapic highest 'b\(cc\)b' 'ends the highest' 'the EOI in c ends c: c comes again, another b still waits for b'
  scene lapic nothing 'a' 'EOI for nothing' 'an EOI without any interrupt does nothing'
  scene lapic level 'LL' 'level by the IOAPIC' 'a line still up at the EOI asks again'
  scene lapic lint0 'MMM' 'level by LINT0' 'LINT0 still up at the EOI asks again'
}

cpu_scenes()
{
  irqs cpu
  scene cpu off '-cba' 'interrupts off' 'nothing comes before STI; then the highest first'
  scene cpu shadow '11' 'shadow of STI' 'one more instruction runs behind STI, not two; one that is tried again, too'
  scene cpu nmi 'N' 'an NMI' 'it comes though interrupts are off'
  scene cpu both 'N\(\)Na' 'NMI first' 'an NMI waits for the end of the first, then comes before a'
  scene cpu two 'aT' 'two controllers' 'the LAPIC asks before the 8259s, and both come'
  scene cpu twenty 'a{20}' 'each once' 'twenty interrupts of one vector'
  windows 'no exit too many' 28
}


steady()
{
  ticker pit steady
  report pit periodic
  between 'no tick early' 0 0 "$early" 'never more ticks than were due'
  between 'no tick lost' 97 101 "$ticks" '100 ticks in 200 ms, 97 or more given by then'
  between 'no burst' 0 14 "$crowded" 'ticks less than 2/5 of a period apart: one a turn at most'
}

check_7_1()
{
  look='the contract of chip_highest: who asks, who is masked, who is in service?'
  pic_scenes
}

check_7_2()
{
  look='the contract of lapic_eoi, and lapic_highest_pending'
  lapic_scenes
}

check_7_3()
{
  look='the contract of irq_prepare, and the order in vm/irq.h'
  cpu_scenes
  irqs pic
  scene pic priority 'TCS' 'the 8259s too' 'IRQs 4, 8 and 0 ask; they come as 0, 8, 4'
}

check_7_4()
{
  look=$(text "the contract of %s's function: what is asked of the CPU, and when?" "$vendor")
  cpu_scenes
}

check_7_5()
{
  look='the contract of next_expiry, and the head of lapic_timer.c'
  ticker apic merge
  report apic one-shot
  between 'one shot' 1 1 "$ticks" 'one interrupt, and no other'
  early_shots=$early
  report apic periodic
  between 'not before its time' 0 0 "$((${early_shots:-1} + ${early:-1}))" \
    'no interrupt before the count is 0, neither of one shot nor of a period'
  between 'no drift' 0 20 "$late" 'only the first tick behind a turn of another guest is late'
  between 'periodic' 70 99 "$ticks" 'of 100 ticks, those for which there was a CPU'
  report apic masked
  between 'masked' 1 3 "$ticks" 'those that expire while masked are lost, and the others come'
  report apic fast
  between 'not too fast' 40 101 "$ticks" 'a period of 31 us: at least 200 us between two'
}

check_7_6()
{
  look='the contract of steady_plan: all four lines of it'
  steady
}

# What a machine with all of it does: order, clocks, and a system that needs both.
check_whole()
{
  look='the exercises one by one: make grade LAB=7 EX=7.1'
  pic_scenes
  lapic_scenes
  cpu_scenes
  steady
}
