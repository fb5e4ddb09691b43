# shellcheck shell=sh disable=SC2034
# What the PC of Bochs does otherwise than the manuals say, with either model of CPU: lines of platform_known.
# docs/found.md has a table.
bochs_chips='census/pic.poll the answer to a poll has no bit 7, and a poll is no acknowledgement
  census/pic.poll.cascade census/pic.poll.slave census/pic.poll.data census/pic.isr census/pic.isr.two
  census/pic.isr.slave census/pic.irr.taken census/pic.again census/pic.nested census/pic.read.stays
  census/pic.eoi.specific census/pic.special-mask census/pic.rotate.specific census/pic.lowest.1
  census/pic.auto-eoi.poll census/pic.auto-eoi.fixed census/pic.auto-eoi.rotates census/pic.level.poll
  census/pic.edge.poll census/pic.edge.once
census/pic.icw1.reads-irr ICW1 does not go back to reading IRR (inferred)
census/pit.mode2.new-waits a new count counts at once, not when the period ends
census/pit.mode2.null no null count in the status: a count that is not loaded yet does not show
census/pit.port61.enables bits 2 and 3 of port 61h are not kept
census/rtc.c.no-line the periodic flag does not come while its interrupt is off (inferred)
  census/rtc.rate.?
census/uart.fifo.cleared DR stays set when the FIFO is cleared
census/uart.out2.loop OUT2 lets the interrupt through in the loop too
census/ioapic.id reserved bits are kept
  census/ioapic.entry.* census/pm.gpe.reserved census/pm.control.reserved census/pm.enable.reserved
census/ioapic.level.remote no remote IRR: a level is told again before its EOI
  census/ioapic.level.waits census/ioapic.level.in-service
census/pci.address.reserved reserved bits of CONFIG_ADDRESS are kept
census/fwcfg.files.end behind the end of an item come ones
census/fwcfg.dma.write a write that is not possible is no error
census/mwait.masked MWAIT with IF clear and ECX 0 is ended by a masked interrupt, no NMI has come; not looked into
census/mwait.ends.by MWAIT with IF clear and ECX 1 is not ended by the interrupt; an NMI came; not looked into'
