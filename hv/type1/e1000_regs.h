/*
 * e1000_regs.h - registers of the 82540EM Ethernet controller
 *
 * Owns: numbers, and the layout of descriptors.  No code.
 *
 * Source: see e1000.h.
 */
#ifndef ESPEJO_TYPE1_E1000_REGS_H
#define ESPEJO_TYPE1_E1000_REGS_H

#include "compiler.h"

#define E1000_VENDOR 0x8086
#define E1000_82540EM 0x100e
#define E1000_REGISTERS 0x20000 /* bytes */

#define E1000_CTRL 0x0000
#define E1000_CTRL_ASDE BIT(5) /* speed by negotiation */
#define E1000_CTRL_SLU BIT(6) /* set link up */
#define E1000_CTRL_RST BIT(26)
#define E1000_STATUS 0x0008
#define E1000_STATUS_LU BIT(1) /* the link is up */
#define E1000_EERD 0x0014 /* EEPROM read */
#define E1000_EERD_START BIT(0)
#define E1000_EERD_DONE BIT(4)
#define E1000_EERD_ADDRESS_SHIFT 8
#define E1000_EERD_DATA_SHIFT 16
#define E1000_ICR 0x00c0 /* reading it clears it */
#define E1000_ICS 0x00c8
#define E1000_IMS 0x00d0
#define E1000_IMC 0x00d8
#define E1000_INT_TXDW BIT(0) /* frames were sent */
#define E1000_INT_LSC BIT(2) /* the link went up or down */
#define E1000_INT_RXDMT0 BIT(4) /* few free buffers are left */
#define E1000_INT_RXO BIT(6) /* none was left */
#define E1000_INT_RXT0 BIT(7) /* frames were received */
#define E1000_RCTL 0x0100
#define E1000_RCTL_EN BIT(1)
#define E1000_RCTL_UPE BIT(3) /* frames to all addresses */
#define E1000_RCTL_MPE BIT(4)
#define E1000_RCTL_BAM BIT(15)
#define E1000_RCTL_SECRC BIT(26) /* without the frame check sequence; buffers of 2048 bytes */
#define E1000_TCTL 0x0400
#define E1000_TCTL_EN BIT(1)
#define E1000_TCTL_PSP BIT(3) /* pad short frames */
#define E1000_TCTL_CT (0x0f << 4) /* collision threshold, as recommended */
#define E1000_TCTL_COLD (0x40 << 12) /* collision distance, full duplex */
#define E1000_TIPG 0x0410
#define E1000_TIPG_COPPER (10 | 8 << 10 | 6 << 20) /* as recommended */
#define E1000_RDBAL 0x2800
#define E1000_RDBAH 0x2804
#define E1000_RDLEN 0x2808
#define E1000_RDH 0x2810
#define E1000_RDT 0x2818
#define E1000_TDBAL 0x3800
#define E1000_TDBAH 0x3804
#define E1000_TDLEN 0x3808
#define E1000_TDH 0x3810
#define E1000_TDT 0x3818
#define E1000_MTA 0x5200 /* 128 words of multicast filter */
#define E1000_MTA_WORDS 128
#define E1000_RAL0 0x5400
#define E1000_RAH0 0x5404
#define E1000_RAH_VALID BIT(31)

/* "Legacy receive descriptor" (3.2.3) */
struct e1000_rx {
	u64 address;
	u16 length, checksum;
	u8 status, errors;
	u16 special;
};
ASSERT_SIZE(struct e1000_rx, 16);
ASSERT_OFFSET(struct e1000_rx, length, 8);
ASSERT_OFFSET(struct e1000_rx, status, 12);
#define E1000_RX_DONE BIT(0)
#define E1000_RX_END BIT(1) /* of the frame */

/* "Legacy transmit descriptor" (3.3.3) */
struct e1000_tx {
	u64 address;
	u16 length;
	u8 checksum_offset, command;
	u8 status, checksum_start;
	u16 special;
};
ASSERT_SIZE(struct e1000_tx, 16);
ASSERT_OFFSET(struct e1000_tx, command, 11);
ASSERT_OFFSET(struct e1000_tx, status, 12);
#define E1000_TX_END BIT(0) /* of the frame */
#define E1000_TX_FCS BIT(1) /* put the frame check sequence behind it */
#define E1000_TX_REPORT BIT(3)
#define E1000_TX_DONE BIT(0)

#endif
