/* trace.c - see trace.h */
#include "trace/trace.h"

#include "host.h"

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
	trace->mask = size - 1;
	trace->count = 0;
	return 0;
}

void trace_free(struct trace *trace)
{
	if (trace->ring)
		host_free_pages(trace->ring, ring_order(trace->mask + 1));
	trace->ring = NULL;
}

const struct trace_entry *trace_get(const struct trace *trace, u64 n)
{
	if (n >= trace->count || n > trace->mask)
		return NULL;
	return &trace->ring[(trace->count - 1 - n) & trace->mask];
}
