/* options.c - see options.h */
#include "type2/options.h"

#include <stdlib.h>

#include "lib/fmt.h"
#include "lib/string.h"

#define MEMORY_DEFAULT MiB(512)
#define MEMORY_MIN MiB(2)
#define MEMORY_MAX GiB(512)
#define TRACE_DEFAULT 256
#define TRACE_ENTRIES 8192 /* with --trace */
#define FIRMWARE_DEFAULT "/usr/share/seabios/bios-256k.bin"

const char options_usage[] =
    "usage: espejo-vm [OPTION]... KERNEL\n"
    "       espejo-vm [OPTION]... --firmware[=FILE] [IMAGE]\n"
    "\n"
    "KERNEL is a multiboot kernel or a Linux bzImage; IMAGE a raw disk image, which firmware "
    "boots\n"
    "(other formats: tools/import-image).\n"
    "\n"
    "  --mem SIZE         the guest's memory, such as 512M (the default) or 1G\n"
    "  --cpus N           its CPUs, 1 to 8 (1)\n"
    "  --disk FILE[,ro|,cow]\n"
    "                     a raw image as a disk; may be repeated.  ro: the guest may only read;\n"
    "                     cow: what it writes is forgotten at the end\n"
    "  --net none|user|tap=NAME|socket=MINE:PEER|fd=N\n"
    "                     a network card: on no network (none, the default: no card), behind a\n"
    "                     user-space network, on a tap device, on a cable to another espejo-vm,\n"
    "                     which says PEER:MINE (UDP ports of 127.0.0.1; QEMU's -netdev\n"
    "                     socket,udp does too), or on a socket that we are given\n"
    "  --mac ADDRESS      of that card\n"
    "  --initrd FILES     an initrd for Linux; for a multiboot kernel modules,\n"
    "                     \"FILE TEXT,FILE TEXT\", where \",,\" is a comma\n"
    "  --append TEXT      the kernel's command line\n"
    "  --firmware[=FILE]  start with firmware (" FIRMWARE_DEFAULT ")\n"
    "  --option-rom FILE  for the firmware; may be repeated\n"
    "  --cpu MODEL        bare (all that KVM has, the default) or v1\n"
    "  --trace FILE       write the last exits of each CPU there at the end\n"
    "  --state FILE       give the guest a port, 0xeb; when it writes there, write its whole\n"
    "                     state to FILE, as text for build/tools/state, and let it go on\n"
    "  --exit-guest       end as the guest does: (v << 1) | 1 for a value v written to port 0xf4;\n"
    "                     0 for power-off, reset and triple fault; 125 if we fail ourselves\n"
    "  --verbose          say more, on standard error\n"
    "\n"
    "The guest's serial line is standard output and input.  On a terminal Ctrl-] presses its "
    "power\n"
    "button, as SIGTERM does; the second one stops it at once.\n";

/* ---- Values ---------------------------------------------------------------------------- */

static bool number_of(const char *text, u64 min, u64 max, u64 *result)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*result = strtoull(text, &end, 10);
	return !*end && *result >= min && *result <= max;
}

/* Bytes with K, M or G behind them; without a letter mebibytes, as QEMU has it. */
static bool size_of(const char *text, u64 *result)
{
	char *end;
	unsigned shift = 20;

	if (*text < '0' || *text > '9')
		return false;
	*result = strtoull(text, &end, 10);
	if (*end) {
		const char *letters = "kKmMgG", *letter = strchr(letters, *end);

		if (!letter || end[1])
			return false;
		shift = 10 * ((unsigned)(letter - letters) / 2 + 1);
	}
	if (*result > MEMORY_MAX >> shift)
		return false;
	*result <<= shift;
	return *result >= MEMORY_MIN;
}

/* Cuts the suffix off. */
static bool disk_of(char *text, struct options_disk *disk)
{
	static const struct {
		const char *suffix;
		u8 mode;
	} modes[] = { { ",ro", DISK_READ_ONLY }, { ",cow", DISK_COPY_ON_WRITE } };
	size_t len = strlen(text);

	*disk = (struct options_disk){ .path = text, .mode = DISK_WRITE };
	for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
		size_t cut = strlen(modes[i].suffix);

		if (len >= cut && !strcmp(text + len - cut, modes[i].suffix)) {
			text[len - cut] = '\0';
			disk->mode = modes[i].mode;
			break;
		}
	}
	return *text != '\0';
}

#define PORT_MAX 65535
#define PORT_DIGITS 5

/* MINE:PEER */
static bool ports_of(const char *text, struct options *o)
{
	const char *colon = strchr(text, ':');
	char mine[PORT_DIGITS + 1] = "";
	u64 first, second;

	if (!colon || colon - text > PORT_DIGITS)
		return false;
	memcpy(mine, text, (size_t)(colon - text));
	if (!number_of(mine, 1, PORT_MAX, &first) || !number_of(colon + 1, 1, PORT_MAX, &second))
		return false;
	o->net_mine = (u16)first;
	o->net_peer = (u16)second;
	return first != second;
}

static bool net_of(const char *text, struct options *o)
{
	u64 fd = 0;

	if (!strncmp(text, "socket=", 7)) {
		o->net = NET_SOCKET;
		return ports_of(text + 7, o);
	}
	if (!strcmp(text, "none"))
		o->net = NET_NONE;
	else if (!strcmp(text, "user"))
		o->net = NET_USER;
	else if (!strncmp(text, "tap=", 4) && text[4] && strlen(text + 4) < 16)
		o->net = NET_TAP;
	else if (!strncmp(text, "fd=", 3) && number_of(text + 3, 3, 1023, &fd))
		o->net = NET_FD;
	else
		return false;
	o->tap = text + 4;
	o->net_fd = (int)fd;
	return true;
}

/* ---- Options ----------------------------------------------------------------------------- */

static bool set_mem(struct options *o, char *value)
{
	return size_of(value, &o->memory);
}

static bool set_cpus(struct options *o, char *value)
{
	u64 n;

	if (!number_of(value, 1, VM_MAX_VCPUS, &n))
		return false;
	o->cpus = (unsigned)n;
	return true;
}

static bool set_cpu(struct options *o, char *value)
{
	o->cpu = value;
	return !strcmp(value, "bare") || !strcmp(value, "v1");
}

static bool set_disk(struct options *o, char *value)
{
	return o->disks < VM_MAX_DISKS && disk_of(value, &o->disk[o->disks++]);
}

static bool set_net(struct options *o, char *value)
{
	return net_of(value, o);
}

static bool set_mac(struct options *o, char *value)
{
	o->has_mac = true;
	return link_mac_of(value, o->mac);
}

static bool set_initrd(struct options *o, char *value)
{
	o->initrd = value;
	return *value;
}

static bool set_append(struct options *o, char *value)
{
	o->append = value;
	return true;
}

static bool set_firmware(struct options *o, char *value)
{
	o->by_firmware = true;
	o->firmware = value ? value : FIRMWARE_DEFAULT;
	return *o->firmware;
}

static bool set_rom(struct options *o, char *value)
{
	if (o->roms == OPTIONS_ROMS)
		return false;
	o->rom[o->roms++] = value;
	return *value;
}

static bool set_trace(struct options *o, char *value)
{
	o->trace = value;
	o->trace_entries = TRACE_ENTRIES;
	return *value;
}

static bool set_state(struct options *o, char *value)
{
	o->state = value;
	return *value;
}

static bool set_attempt(struct options *o, char *value)
{
	o->attempt = value;
	return *value;
}

static bool set_exit_guest(struct options *o, char *value UNUSED)
{
	return o->exit_guest = true;
}

static bool set_verbose(struct options *o, char *value UNUSED)
{
	return o->verbose = true;
}

static bool set_help(struct options *o, char *value UNUSED)
{
	return o->help = true;
}

enum takes { TAKES_NOTHING, TAKES_VALUE, MAY_TAKE_VALUE /* behind '=' only */ };

static const struct option {
	const char *name;
	u8 takes;	      /* enum takes */
	const char *expected; /* for the error message */
	bool (*set)(struct options *o, char *value);
} option[] = {
	{ "mem", TAKES_VALUE, "a size from 2M to 512G", set_mem },
	{ "cpus", TAKES_VALUE, "1 to 8", set_cpus },
	{ "cpu", TAKES_VALUE, "bare or v1", set_cpu },
	{ "disk", TAKES_VALUE, "FILE, FILE,ro or FILE,cow, at most four times", set_disk },
	{ "net", TAKES_VALUE, "none, user, tap=NAME, socket=MINE:PEER or fd=N", set_net },
	{ "mac", TAKES_VALUE, "an address such as 52:54:00:e5:00:01, not a group's", set_mac },
	{ "initrd", TAKES_VALUE, "a file", set_initrd },
	{ "append", TAKES_VALUE, "text", set_append },
	{ "firmware", MAY_TAKE_VALUE, "a file", set_firmware },
	{ "option-rom", TAKES_VALUE, "a file, at most four times", set_rom },
	{ "trace", TAKES_VALUE, "a file", set_trace },
	{ "state", TAKES_VALUE, "a file", set_state },
	{ "attempt", TAKES_VALUE, "what to try", set_attempt },
	{ "exit-guest", TAKES_NOTHING, NULL, set_exit_guest },
	{ "verbose", TAKES_NOTHING, NULL, set_verbose },
	{ "help", TAKES_NOTHING, NULL, set_help },
};

/* The option of that name, which ends at '=' or at the end. */
static const struct option *find(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(option); i++) {
		size_t len = strlen(option[i].name);

		if (!strncmp(name, option[i].name, len) && (!name[len] || name[len] == '='))
			return &option[i];
	}
	return NULL;
}

static int positional(struct options *o, char *word, char error[OPTIONS_ERROR])
{
	struct options_disk image;

	if (!o->kernel) {
		/* Images may say how, as disks do. */
		if (!disk_of(word, &image)) {
			fmt_string(error, OPTIONS_ERROR, "an empty name of a kernel");
			return -HOST_EINVAL;
		}
		o->kernel = image.path;
		o->kernel_mode = image.mode;
		return 0;
	}
	fmt_string(error, OPTIONS_ERROR, "two kernels or images: '%s' and '%s'", o->kernel, word);
	return -HOST_EINVAL;
}

/* One word, and the next one if it is its value; *used is how many. */
static int one(struct options *o, char *word, char *next, int *used, char error[OPTIONS_ERROR])
{
	const struct option *found;
	char *value;

	*used = 1;
	if (word[0] != '-')
		return positional(o, word, error);
	found = word[1] == '-' ? find(word + 2) : NULL;
	if (!found) {
		fmt_string(error, OPTIONS_ERROR, "unknown option '%s': --help lists them", word);
		return -HOST_EINVAL;
	}
	value = strchr(word, '=');
	if (value)
		value++;
	else if (found->takes == TAKES_VALUE && next) {
		value = next;
		*used = 2;
	}
	if (found->takes == TAKES_VALUE ? !value : found->takes == TAKES_NOTHING && value)
		fmt_string(error, OPTIONS_ERROR, "--%s %s", found->name,
			   value ? "takes no value" : "needs a value");
	else if (!found->set(o, value))
		fmt_string(error, OPTIONS_ERROR, "--%s '%s': expected %s", found->name, value,
			   found->expected);
	else
		return 0;
	return -HOST_EINVAL;
}

static int check_whole(const struct options *o, char error[OPTIONS_ERROR])
{
	const char *wrong = NULL;

	if (o->help)
		return 0;
	if (!o->kernel && !o->by_firmware)
		wrong = "no kernel and no image: --help tells how";
	else if (!o->kernel && !o->disks)
		wrong = "firmware needs a disk to boot from: an IMAGE, or --disk";
	else if (o->by_firmware && (*o->append || o->initrd))
		wrong = "firmware boots a disk: no --append, no --initrd";
	else if (o->kernel && o->by_firmware && o->disks == VM_MAX_DISKS)
		wrong = "more than four disks, the image included";
	else if (o->has_mac && o->net == NET_NONE)
		wrong = "--mac without --net";
	else if (o->roms && !o->by_firmware)
		wrong = "--option-rom is for --firmware";
	if (wrong)
		fmt_string(error, OPTIONS_ERROR, "%s", wrong);
	return wrong ? -HOST_EINVAL : 0;
}

int options_parse(int argc, char **argv, struct options *o, char error[OPTIONS_ERROR])
{
	int used, result = 0;

	*o = (struct options){ .memory = MEMORY_DEFAULT,
			       .cpus = 1,
			       .cpu = "bare",
			       .firmware = FIRMWARE_DEFAULT,
			       .append = "",
			       .net_fd = -1,
			       .trace_entries = TRACE_DEFAULT };
	for (int i = 1; i < argc && !result; i += used)
		result = one(o, argv[i], i + 1 < argc ? argv[i + 1] : NULL, &used, error);
	return result ? result : check_whole(o, error);
}
