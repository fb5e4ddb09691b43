# trace.mk - looking into a run: its exits over time, and gdb

.PHONY: trace gdb
ifeq ($(MACHINE),type2)
# The Type 2 has one guest in a process; the file is of the same form.
trace: espejo-vm guest-os $(LINUX)/vmlinuz
	@tools/type2 --mem 64M --timeout 300 --trace $(B)/trace.log --append run=counter,100 \
		--play tools/type2.script $(GUEST_OS) || [ $$? -eq 1 ] # 0 at the exit port
	@tools/trace-json $(B)/trace.log >$(B)/trace.json
	@echo "open $(B)/trace.json in https://ui.perfetto.dev"
else
trace: hv guest-os ## record a run's exits: build/trace.json, for ui.perfetto.dev
	@tools/run --machine $(MACHINE) --cpus $(CPUS) --strict --timeout 300 --append trace=8192 \
		--out $(B)/trace.log $(ESPEJO) \
		--module "$(GUEST_OS) name=one mem=64M -- run=counter,100" \
		--module "$(GUEST_OS) name=two mem=64M" \
		--module "tools/trace.script role=script" </dev/null | grep -v '^trace '
	@tools/trace-json $(B)/trace.log >$(B)/trace.json
	@echo "open $(B)/trace.json in https://ui.perfetto.dev"
endif

gdb: hv guest-os ## the two guests under gdb: vms, exits, vmcb, walk; see docs/debugging.md
	@tools/gdb/debug --machine qemu-svm --cpus 1 --mem 512 \
		--module "$(GUEST_OS) name=one mem=64M -- run=counter" \
		--module "$(GUEST_OS) name=two mem=64M -- run=counter,300" \
		--module "tools/play.script role=script"
