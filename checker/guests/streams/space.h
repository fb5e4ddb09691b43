/*
 * space.h - room in the probe's image for cases in their text form
 *
 * Owns: how the tool on the host finds it.  Thus explicit cases reach the probe on every platform
 * that boots an image, without modules.
 */
#ifndef CHECKER_STREAMS_SPACE_H
#define CHECKER_STREAMS_SPACE_H

#include "types.h"

#define STREAM_SPACE_MAGIC "STREAM CASES: "
#define STREAM_SPACE_SIZE (256 << 10)

struct stream_space {
	char magic[16];
	u64 size;		      /* of text */
	char text[STREAM_SPACE_SIZE]; /* ends with a zero */
};

#endif
