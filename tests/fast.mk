# fast.mk - the hypervisor once more, with CHECKING: every entry is checked, every exit takes the long way

.PHONY: hv-checking
hv-checking: ## build the hypervisor that checks every entry
	$(Q)$(MAKE) --no-print-directory B=$(B)/checking HV_EXTRA=-DCHECKING hv

SYSTEM_TEST_NEEDS += hv-checking
