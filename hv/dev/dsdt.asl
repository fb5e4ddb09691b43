/*
 * dsdt.asl - what the guest machine has that cannot be found by looking: the DSDT
 *
 * Owns: the names of processors, of PCI bus 0 with its windows and interrupt routing, of ISA
 * devices; the way to switch off.
 * Must not know: how many processors there are (the MADT does), which PCI devices are plugged in.
 *
 * Numbers here are those of dev/piix3.h, dev/piix4.h, dev/uart.h and so on; tests/unit's
 * test_acpitables.c compares what it can.  There is no HPET, no DMA controller, no floppy, no
 * hot plug, and no sleep state but off.
 *
 * Source: [ACPI] "ACPI Source Language (ASL) Reference" (19), "_PRT" (6.2.13), "_CRS" (6.2.2).
 */
DefinitionBlock ("", "DSDT", 2, "ESPEJO", "GUESTPC", 1)
{
    /* SLP_TYP of both PM1 control registers: dev/piix4.h, PIIX4_SLEEP_TYPE_OFF. */
    Name (\_S5, Package () { 0, 0, 0, 0 })

    Scope (\_SB)
    {
        /* A processor is there if the MADT lists its number. */
        Device (C000) { Name (_HID, "ACPI0007") Name (_UID, 0) }
        Device (C001) { Name (_HID, "ACPI0007") Name (_UID, 1) }
        Device (C002) { Name (_HID, "ACPI0007") Name (_UID, 2) }
        Device (C003) { Name (_HID, "ACPI0007") Name (_UID, 3) }
        Device (C004) { Name (_HID, "ACPI0007") Name (_UID, 4) }
        Device (C005) { Name (_HID, "ACPI0007") Name (_UID, 5) }
        Device (C006) { Name (_HID, "ACPI0007") Name (_UID, 6) }
        Device (C007) { Name (_HID, "ACPI0007") Name (_UID, 7) }

        Device (PCI0)
        {
            Name (_HID, EisaId ("PNP0A03"))
            Name (_UID, 0)
            Name (_BBN, 0)

            /* Ports but those of configuration space; VGA memory; the hole below the IOAPIC. */
            Name (_CRS, ResourceTemplate ()
            {
                WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
                    0, 0x0000, 0x0000, 0, 0x0001)
                IO (Decode16, 0x0cf8, 0x0cf8, 1, 8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0000, 0x0cf7, 0, 0x0cf8)
                WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange,
                    0, 0x0d00, 0xffff, 0, 0xf300)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                    0, 0x000a0000, 0x000bffff, 0, 0x00020000)
                DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
                    ReadWrite, 0, 0xe0000000, 0xfebfffff, 0, 0x1ec00000)
            })

            /*
             * Pin p (0: INTA) of device d leads to link (d + p - 1) mod 4, as pci_line has it; the
             * pin of the power management function (1, INTA) is the SCI.
             */
            Method (_PRT, 0, Serialized)
            {
                Local0 = Package (128) {}
                Local1 = 0
                While (Local1 < 128)
                {
                    Local2 = Local1 >> 2 /* device */
                    Switch (ToInteger ((Local2 + Local1 + 3) & 3))
                    {
                        Case (0) { Local3 = Package (4) { 0, 0, LNKA, 0 } }
                        Case (1) { Local3 = Package (4) { 0, 0, LNKB, 0 } }
                        Case (2) { Local3 = Package (4) { 0, 0, LNKC, 0 } }
                        Default  { Local3 = Package (4) { 0, 0, LNKD, 0 } }
                    }
                    If (Local1 == 4)
                    {
                        Local3 = Package (4) { 0, 0, LNKS, 0 }
                    }
                    Local3 [0] = (Local2 << 16) | 0xffff
                    Local3 [1] = Local1 & 3
                    Local0 [Local1] = Local3
                    Local1++
                }
                Return (Local0)
            }

            Device (ISA)
            {
                Name (_ADR, 0x00010000)

                OperationRegion (P40C, PCI_Config, 0x60, 4) /* PIRQRC */
                Field (P40C, ByteAcc, NoLock, Preserve)
                {
                    PRQA, 8,
                    PRQB, 8,
                    PRQC, 8,
                    PRQD, 8
                }

                Device (RTC)
                {
                    Name (_HID, EisaId ("PNP0B00"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0070, 0x0070, 1, 2)
                        IRQNoFlags () { 8 }
                    })
                }

                Device (PIC)
                {
                    Name (_HID, EisaId ("PNP0000"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0020, 0x0020, 1, 2)
                        IO (Decode16, 0x00a0, 0x00a0, 1, 2)
                        IO (Decode16, 0x04d0, 0x04d0, 1, 2)
                        IRQNoFlags () { 2 }
                    })
                }

                Device (TIMR)
                {
                    Name (_HID, EisaId ("PNP0100"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0040, 0x0040, 1, 4)
                        IRQNoFlags () { 0 }
                    })
                }

                Device (SPKR)
                {
                    Name (_HID, EisaId ("PNP0800"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0061, 0x0061, 1, 1)
                    })
                }

                /* The controller is there; whether anything is plugged in, it says itself. */
                Device (KBD)
                {
                    Name (_HID, EisaId ("PNP0303"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0060, 0x0060, 1, 1)
                        IO (Decode16, 0x0064, 0x0064, 1, 1)
                        IRQNoFlags () { 1 }
                    })
                }

                Device (MOU)
                {
                    Name (_HID, EisaId ("PNP0F13"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IRQNoFlags () { 12 }
                    })
                }

                Device (COM1)
                {
                    Name (_HID, EisaId ("PNP0501"))
                    Name (_UID, 1)
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x03f8, 0x03f8, 1, 8)
                        IRQNoFlags () { 4 }
                    })
                }

                /* Ports of the board: A20 and reset, SMI command, firmware's debug port. */
                Device (MISC)
                {
                    Name (_HID, EisaId ("PNP0C02"))
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0092, 0x0092, 1, 1)
                        IO (Decode16, 0x00b2, 0x00b2, 1, 2)
                        IO (Decode16, 0x00e9, 0x00e9, 1, 1)
                    })
                }

                Device (FWCF)
                {
                    Name (_HID, "QEMU0002")
                    Name (_STA, 0x0b) /* there, not for people to see */
                    Name (_CRS, ResourceTemplate ()
                    {
                        IO (Decode16, 0x0510, 0x0510, 1, 0x0c)
                    })
                }
            }
        }

        /* ---- Interrupt links: where PIIX3 steers PIRQA to PIRQD --------------------------- */

        /* In an Interrupt descriptor of one number, that is at byte 5. */
        Name (PRES, ResourceTemplate ()
        {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 5, 10, 11 }
        })

        /* Present; enabled unless bit 7 of the PIRQRC register says no. */
        Method (LSTA, 1, NotSerialized)
        {
            If (Arg0 & 0x80)
            {
                Return (0x09)
            }
            Return (0x0b)
        }

        Name (BUFF, ResourceTemplate ()
        {
            Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 0 }
        })

        Method (LCRS, 1, Serialized)
        {
            CreateDWordField (BUFF, 5, IRQW)
            IRQW = 0
            If (!(Arg0 & 0x80))
            {
                IRQW = Arg0 & 0x0f
            }
            Return (BUFF)
        }

        Device (LNKA)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 1)
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQA)) }
            Method (_PRS) { Return (PRES) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQA)) }
            Method (_DIS) { \_SB.PCI0.ISA.PRQA |= 0x80 }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, IRQN)
                \_SB.PCI0.ISA.PRQA = IRQN
            }
        }

        Device (LNKB)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 2)
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQB)) }
            Method (_PRS) { Return (PRES) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQB)) }
            Method (_DIS) { \_SB.PCI0.ISA.PRQB |= 0x80 }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, IRQN)
                \_SB.PCI0.ISA.PRQB = IRQN
            }
        }

        Device (LNKC)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 3)
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQC)) }
            Method (_PRS) { Return (PRES) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQC)) }
            Method (_DIS) { \_SB.PCI0.ISA.PRQC |= 0x80 }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, IRQN)
                \_SB.PCI0.ISA.PRQC = IRQN
            }
        }

        Device (LNKD)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 4)
            Method (_STA) { Return (LSTA (\_SB.PCI0.ISA.PRQD)) }
            Method (_PRS) { Return (PRES) }
            Method (_CRS) { Return (LCRS (\_SB.PCI0.ISA.PRQD)) }
            Method (_DIS) { \_SB.PCI0.ISA.PRQD |= 0x80 }
            Method (_SRS, 1)
            {
                CreateDWordField (Arg0, 5, IRQN)
                \_SB.PCI0.ISA.PRQD = IRQN
            }
        }

        /* The SCI: always IRQ 9. */
        Device (LNKS)
        {
            Name (_HID, EisaId ("PNP0C0F"))
            Name (_UID, 5)
            Name (_PRS, ResourceTemplate ()
            {
                Interrupt (ResourceConsumer, Level, ActiveHigh, Shared) { 9 }
            })
            Name (_STA, 0x0b)
            Method (_DIS) { }
            Method (_CRS) { Return (_PRS) }
            Method (_SRS, 1) { }
        }
    }
}
