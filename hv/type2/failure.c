/* failure.c - see failure.h */
#include "type2/failure.h"

#include <errno.h>
#include <string.h>

#include "lib/fmt.h"

bool failure_set(struct failure *failure, enum failure_status status, const char *format, ...)
{
	va_list args;

	failure->status = (u8)status;
	va_start(args, format);
	fmt_vstring(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	return false;
}

bool failure_of_file(struct failure *failure, const char *path)
{
	enum failure_status status = FAILURE_NO_INPUT;

	if (errno == EACCES || errno == EPERM || errno == EROFS)
		status = FAILURE_NO_PERMISSION;
	else if (errno != ENOENT && errno != ENOTDIR && errno != EISDIR)
		status = FAILURE_OS;
	return failure_set(failure, status, "%s: %s", path, strerror(errno));
}
