/* pic.h - the interrupt controllers of the PC; see pic.c */
#ifndef GUEST_OS_PIC_H
#define GUEST_OS_PIC_H

#include "types.h"

/* IRQ n arrives as vector PIC_VECTOR + n. */
#define PIC_VECTOR 0x20

/* Both 8259s: edge triggered, vectors as above, all inputs masked.  Needs the traps. */
void pic_init(void);

void pic_mask(unsigned irq);
void pic_unmask(unsigned irq);
bool pic_masked(unsigned irq);

/* The handler of this IRQ is done: lower ones may come again. */
void pic_eoi(unsigned irq);

/* Is this IRQ requested, is it in service? */
bool pic_requested(unsigned irq);
bool pic_in_service(unsigned irq);

#endif
