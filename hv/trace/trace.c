/* trace.c - see trace.h */
#include "trace/trace.h"

static unsigned ring_order(u32 size)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < size * sizeof(struct trace_entry))
		order++;
	return order;
}

int trace_init(struct trace *trace, u32 size)
{
	check(size && (size & (size - 1)) == 0);
	trace->ring = host_alloc_pages(ring_order(size));
	if (!trace->ring)
		return -HOST_ENOMEM;
	trace->end = trace->ring + size;
	trace->now = trace->ring;
	return 0;
}

void trace_free(struct trace *trace)
{
	if (trace->ring)
		host_free_pages(trace->ring, ring_order(trace_size(trace)));
	*trace = (struct trace){ 0 };
}

u32 trace_size(const struct trace *trace)
{
	return (u32)(trace->end - trace->ring);
}

const struct trace_entry *trace_get(const struct trace *trace, u64 n)
{
	u32 size = trace_size(trace);
	const struct trace_entry *e;

	/* The place being written belongs to nobody. */
	if (n >= size - 1)
		return NULL;
	e = trace->now - 1 - n;
	if (e < trace->ring)
		e += size;
	return e->left ? e : NULL;
}
