# trace.mk - looking into a run: its exits over time, and gdb

.PHONY: trace gdb
trace: hv guest-os ## record a run's exits: build/trace.json, for ui.perfetto.dev
	@tools/run --machine $(MACHINE) --cpus $(CPUS) --strict --timeout 300 --append trace=8192 \
		--out $(B)/trace.log $(ESPEJO) \
		--module "$(GUEST_OS) name=one mem=64M -- run=counter,100" \
		--module "$(GUEST_OS) name=two mem=64M" \
		--module "tools/trace.script role=script" </dev/null | grep -v '^trace '
	@tools/trace-json $(B)/trace.log >$(B)/trace.json
	@echo "open $(B)/trace.json in https://ui.perfetto.dev"

gdb: hv guest-os ## the two guests under gdb: vms, exits, vmcb, walk; see docs/debugging.md
	@tools/gdb/debug --machine qemu-svm --cpus 1 --mem 512 \
		--module "$(GUEST_OS) name=one mem=64M -- run=counter" \
		--module "$(GUEST_OS) name=two mem=64M -- run=counter,300" \
		--module "tools/play.script role=script"
