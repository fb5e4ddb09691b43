# Espejo: one non-recursive makefile.  Each part adds its rules in a fragment:
# hv/hv.mk, guest-os/guest-os.mk, checker/checker.mk, ...  Nothing is written
# outside build/.  `make help` lists targets and variables.

MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:
SHELL := /bin/sh

B := build
MACHINE ?= qemu-svm
TIMEOUT_SCALE ?= 1
SETUP ?= auto
V ?= 0
ifeq ($(origin CC),default)
CC := gcc
endif
ifeq ($(origin CROSS_COMPILE),undefined)
CROSS_COMPILE := $(if $(filter x86_64 amd64,$(shell uname -m)),,x86_64-linux-gnu-)
endif

# V=1 shows the commands, V=0 one quiet line each.
ifeq ($(V),0)
Q := @
say = @printf '  %-7s %s\n' '$(1)' '$(2)'
else
Q :=
say = @:
endif

WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla -Werror
CSTD := -std=gnu17
DEPS = -MMD -MP

# The functions of a handout that come as object code (labs/FORMAT.md); a solved tree has none.
# Empty in the environment, as a make of a solved tree leaves it, is as good as none.
GIVEN := $(or $(GIVEN),$(wildcard given/holes))
export GIVEN GIVEN_ONLY
WITH_HOLES := $(if $(GIVEN),$(shell cut -d " " -f 1 $(GIVEN) | sort -u))
# $(call compile,COMPILER AND OPTIONS): $< to $@
compile = $(if $(filter $<,$(WITH_HOLES)),LD='$(LD)' tools/compile '$(strip $(1))' $< $@,$(1) -c $< -o $@)

# Code that runs without an operating system, in 64-bit mode, linked in the top
# 2 GiB; no FPU or vector registers, which belong to guests or to processes.
FREESTANDING := $(CSTD) $(WARN) -O2 -g -m64 -march=x86-64 -ffreestanding -fno-pic \
	-mcmodel=kernel -mno-red-zone -mgeneral-regs-only -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fcf-protection=none -fno-strict-aliasing

TARGET_CC = $(if $(filter clang%,$(CC)),$(CC) --target=x86_64-linux-gnu,$(CROSS_COMPILE)$(CC))
OBJCOPY = $(CROSS_COMPILE)objcopy
LD = $(CROSS_COMPILE)ld

.PHONY: all help clean
all: build-all

FRAGMENTS := $(wildcard hv/*.mk hv/type2/*.mk guest-os/*.mk checker/*.mk labs/*.mk labs/*/*.mk slides/*.mk tests/*.mk tools/*.mk)
.PHONY: build-all
include $(FRAGMENTS)

# A line of help is a comment "##" behind a target, in whatever fragment.
help: ## list targets and variables
	@echo 'Targets:'
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  \1\t\2/p' Makefile $(FRAGMENTS) | sort | awk -F'\t' '{printf "%-18s %s\n",$$1,$$2}'
	@echo 'Variables:'
	@sed -n 's/^#: \([A-Z_]*\) \(.*\)/  \1\t\2/p' Makefile $(FRAGMENTS) | awk -F'\t' '{printf "%-18s %s\n",$$1,$$2}'

#: MACHINE qemu-svm (default), bochs-vmx, bochs-svm: see docs/emulators.md
#: CC gcc or clang
#: CROSS_COMPILE prefix of the x86-64 tools on another kind of host
#: V 1 shows every command
#: SETUP auto installs missing packages, no only reports them
#: TIMEOUT_SCALE multiplies every time limit (slow machines)

clean: ## remove build/
	rm -rf $(B)
