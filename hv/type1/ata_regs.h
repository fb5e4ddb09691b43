/*
 * ata_regs.h - registers and commands of ATA disks and of their bus master
 *
 * Owns: numbers, and the layout that the controller reads.  No code.
 *
 * Sources: see ata.h.
 */
#ifndef ESPEJO_TYPE1_ATA_REGS_H
#define ESPEJO_TYPE1_ATA_REGS_H

#include "compiler.h"

/* Of the command block, from its first port on. */
enum ata_register {
	ATA_DATA,
	ATA_ERROR, /* written: features */
	ATA_COUNT,
	ATA_LBA_LOW,
	ATA_LBA_MID,
	ATA_LBA_HIGH,
	ATA_DEVICE,
	ATA_STATUS, /* written: the command */
};

#define ATA_STATUS_ERR BIT(0)
#define ATA_STATUS_DRQ BIT(3)
#define ATA_STATUS_DF BIT(5) /* device fault */
#define ATA_STATUS_DRDY BIT(6)
#define ATA_STATUS_BSY BIT(7)
#define ATA_NO_CHANNEL 0xff /* what a bus without a device reads */

#define ATA_CONTROL_NIEN BIT(1) /* no interrupts */
#define ATA_CONTROL_SRST BIT(2)

#define ATA_DEVICE_ALWAYS 0xa0 /* two bits that old disks want to be set */
#define ATA_DEVICE_LBA BIT(6)
#define ATA_DEVICE_1 BIT(4)

#define ATA_READ_SECTORS 0x20
#define ATA_READ_SECTORS_EXT 0x24
#define ATA_READ_DMA_EXT 0x25
#define ATA_WRITE_SECTORS 0x30
#define ATA_WRITE_SECTORS_EXT 0x34
#define ATA_WRITE_DMA_EXT 0x35
#define ATA_READ_DMA 0xc8
#define ATA_WRITE_DMA 0xca
#define ATA_FLUSH_CACHE 0xe7
#define ATA_FLUSH_CACHE_EXT 0xea
#define ATA_IDENTIFY 0xec

/* Words of IDENTIFY DEVICE's data. */
#define ATA_ID_WORDS 256
#define ATA_ID_MODEL 27
#define ATA_ID_MODEL_WORDS 20
#define ATA_ID_CAPABILITIES 49
#define ATA_ID_DMA BIT(8)
#define ATA_ID_LBA BIT(9)
#define ATA_ID_SECTORS 60 /* two words */
#define ATA_ID_COMMANDS2 83
#define ATA_ID_LBA48 BIT(10)
#define ATA_ID_FLUSH BIT(12)
#define ATA_ID_FLUSH_EXT BIT(13)
#define ATA_ID_SECTORS48 100 /* four words */

/* The bus master's ports, from each channel's first on. */
#define ATA_BM_COMMAND 0
#define ATA_BM_START BIT(0)
#define ATA_BM_TO_MEMORY BIT(3)
#define ATA_BM_STATUS 2
#define ATA_BM_ACTIVE BIT(0)
#define ATA_BM_ERROR BIT(1) /* a 1 clears it */
#define ATA_BM_INTERRUPT BIT(2) /* a 1 clears it */
#define ATA_BM_TABLE 4
#define ATA_BM_SECOND 8 /* the second channel's are so much further */

/* A physical region descriptor: no region crosses 64 KiB, nor does the table. */
struct ata_prd {
	u32 address;
	u16 size; /* 0: 64 KiB */
	u16 flags;
};
ASSERT_SIZE(struct ata_prd, 8);
ASSERT_OFFSET(struct ata_prd, size, 4);
#define ATA_PRD_LAST BIT(15)
#define ATA_PRD_SIZE 0x10000u

#endif
