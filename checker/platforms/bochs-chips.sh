# shellcheck shell=sh disable=SC2034
# What the PC of Bochs does otherwise than the manuals say, with either model of CPU: lines of platform_known.
# docs/found.md has a table.
bochs_polls='the answer to a poll has no bit 7, and a poll is no acknowledgement'
bochs_chips="census/pic.poll $bochs_polls
census/pic.poll.cascade $bochs_polls
census/pic.poll.slave $bochs_polls
census/pic.poll.data $bochs_polls
census/pic.isr $bochs_polls
census/pic.isr.two $bochs_polls
census/pic.isr.slave $bochs_polls
census/pic.irr.taken $bochs_polls
census/pic.again $bochs_polls
census/pic.nested $bochs_polls
census/pic.read.stays $bochs_polls
census/pic.eoi.specific $bochs_polls
census/pic.special-mask $bochs_polls
census/pic.rotate.specific $bochs_polls
census/pic.lowest.1 $bochs_polls
census/pic.auto-eoi.poll $bochs_polls
census/pic.auto-eoi.fixed $bochs_polls
census/pic.auto-eoi.rotates $bochs_polls
census/pic.level.poll $bochs_polls
census/pic.edge.poll $bochs_polls
census/pic.edge.once $bochs_polls
census/pic.icw1.reads-irr ICW1 does not go back to reading IRR (inferred)
census/pit.mode2.new-waits a new count counts at once, not when the period ends
census/pit.mode2.null no null count in the status: a count that is not loaded yet does not show
census/pit.port61.enables bits 2 and 3 of port 61h are not kept
census/rtc.c.no-line the periodic flag does not come while its interrupt is off (inferred)
census/rtc.rate.? the periodic flag does not come while its interrupt is off (inferred)
census/uart.fifo.cleared DR stays set when the FIFO is cleared
census/uart.out2.loop OUT2 lets the interrupt through in the loop too
census/ioapic.id reserved bits are kept
census/ioapic.entry.* reserved bits are kept
census/ioapic.level.* no remote IRR: a level is told again before its EOI
census/pci.address.reserved reserved bits of CONFIG_ADDRESS are kept
census/pm.gpe.reserved reserved bits are kept
census/pm.control.reserved reserved bits are kept
census/pm.enable.reserved reserved bits are kept
census/fwcfg.files.end behind the end of an item come ones
census/fwcfg.dma.write a write that is not possible is no error
census/mwait.masked MWAIT with IF clear and ECX 0 is ended by a masked interrupt, no NMI has come; not looked into
census/mwait.ends.by MWAIT with IF clear and ECX 1 is not ended by the interrupt; an NMI came; not looked into"
