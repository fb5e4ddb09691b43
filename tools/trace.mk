# trace.mk - looking into a run: its exits over time, and gdb

# The run that is recorded: under the hypervisor two guests, in a process one.  Both files are of one form.
TRACE_MACHINE := $(if $(filter type2,$(MACHINE)),qemu-svm,$(MACHINE))
TRACE_RUN := $(if $(filter type2,$(MACHINE)),type2,type1)

.PHONY: trace trace-both trace-of-type1 trace-of-type2 gdb
trace-of-type1: hv guest-os
	@tools/run --machine $(TRACE_MACHINE) --cpus $(CPUS) --strict --timeout 300 --append trace=8192 \
		--out $(B)/trace-type1.log $(ESPEJO) \
		--module "$(GUEST_OS) name=one mem=64M -- run=counter,100" \
		--module "$(GUEST_OS) name=two mem=64M" \
		--module "tools/trace.script role=script" </dev/null | grep -v '^trace '
trace-of-type2: espejo-vm guest-os $(LINUX)/vmlinuz
	@tools/type2 --mem 64M --timeout 300 --trace $(B)/trace-type2.log --append run=counter,100 \
		--play tools/type2.script $(GUEST_OS) || [ $$? -eq 1 ] # 0 at the exit port

trace: trace-of-$(TRACE_RUN) ## record a run's exits: build/trace.json, for ui.perfetto.dev
	@tools/trace-json $(B)/trace-$(TRACE_RUN).log >$(B)/trace.json
	@echo "open $(B)/trace.json in https://ui.perfetto.dev"

trace-both: trace-of-type1 trace-of-type2 ## Type 1 and Type 2 beside each other: build/trace-both.json
	@tools/trace-json "Type 1=$(B)/trace-type1.log" "Type 2=$(B)/trace-type2.log" >$(B)/trace-both.json
	@echo "open $(B)/trace-both.json in https://ui.perfetto.dev"

gdb: hv guest-os ## the two guests under gdb: vms, exits, vmcb, walk; see docs/debugging.md
	@tools/gdb/debug --machine qemu-svm --cpus 1 --mem 512 \
		--module "$(GUEST_OS) name=one mem=64M -- run=counter" \
		--module "$(GUEST_OS) name=two mem=64M -- run=counter,300" \
		--module "tools/play.script role=script"
