# shellcheck shell=sh disable=SC2034
# What the chips of QEMU's PC do otherwise than their manuals say, bare and for a guest of QEMU's: lines of platform_known.
# KVM has its own PIT, PIC and APICs; what of theirs stands here holds for both.  docs/found.md has a table.
qemu_chips='census/pit.status.null no null count in the status: a count that is not loaded yet does not show
census/pit.status.out.low OUT stays as it was at a control word
census/pit.latch.holds channel 2 counts in mode 0 though its gate is closed
  census/pit.latch.then census/pit.latch.and-count census/pit.latch.over
census/pit.mode1.high OUT of mode 1 is the wrong way round: high while it counts, low at the end
  census/pit.mode1.ends
census/pit.mode2.new-waits a new count counts at once, not when the period ends
census/pit.mode2.null no null count in the status: a count that is not loaded yet does not show
census/pit.port61.enables bits 2 and 3 of port 61h are not kept
census/rtc.c.no-line the periodic flag does not come while its interrupt is off
census/rtc.rate.? the periodic flag does not come while its interrupt is off, or not at its rate
census/uart.word a word of five bits passes the loop with eight
census/uart.delta.dsr no changes of modem lines are noted in the loop
  census/uart.delta.ring-ends census/uart.iir.modem
census/uart.break a break does not come back by the loop
census/uart.out2.* OUT2 does not gate the interrupt
census/kbd.status.data bit 3 of the status stays set behind a byte for port 60h
census/kbd.irq.read the request stays in the PIC when the line falls (inferred)
census/ioapic.entry.* reserved bits are kept
  census/pm.control.reserved census/pm.enable.reserved
census/pci.address.reserved reserved bits of CONFIG_ADDRESS are kept
census/pm.gpe.* nobody is at PMBASE + 0Ch: QEMU has these registers elsewhere'
