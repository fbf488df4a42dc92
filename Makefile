# make demo   the main job: sample bills become money or are refused by name on the local stack
# make test   every check and every test
# make up     keep the local stack running; make down stops it
# make lint   style, types, dependency direction, template
# make security  bandit, cfn-lint and checkov over code and templates, without network
# make bench  figures, each as a ratio to something run beside it
# make bench-evidence  appends, proofs, growth to a million leaves and the audit of the evidence log, beside pymerkle
# make bench-monthly  the monthly review of 10,000 to 100,000 discounts: time, memory, what was planted, false alarms
# make bench-sealing  what each step adds to a discount on the local stack, sealing among them
# make bench-reconciliation  100,000 discounts, breaks of every kind among them: time, memory, what was found; ONE_DAY=1
# make bench-handlers  how fast functions begin, beside boto3 alone, and answer, beside an empty function; COLD=1 or WARM=1
# make faults every fault, every pair, 100,000 random schedules in memory: money moves once
# make fuzz   every operation of the API by its description, all checks, in memory; URL= asks the stack of make up, or URL=https://…
# make kill   on the local stack: 50 discounts, processes killed, a bad bank; make outage: bank, registry, log down
# make ops-tour  on a local stack of its own: each failure raises its alarm, the runbook's commands are run as they stand
# make drill  on a local stack of its own: a flood and a look-alike site, with a report for the register of duties
# make recovery  how long the replay command takes for 1,000 failed executions
# make mutation  how many small changes of the domain its tests notice; ONLY=merkle,receipt for some modules
.DEFAULT_GOAL := help
.PHONY: help security drill ops-tour recovery faults fuzz kill outage demo test up down lint bench bench-evidence bench-monthly bench-sealing bench-handlers bench-reconciliation mutation samples docs

PYTHON ?= python3
VENVS := .venvs
DEV := $(VENVS)/dev/bin
BILLS ?= infrastructure/local/samples/bills.csv
export PYTHONPATH := layers/core:infrastructure/local
export PYTHONDONTWRITEBYTECODE := 1

help:
	@sed -n 's/^# make/make/p' Makefile

$(VENVS)/%/.ready: requirements/%.txt
	@echo "  installing $* (once)"
	@rm -rf $(VENVS)/$*
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed.")'
	@$(PYTHON) -m venv $(VENVS)/$*
	@$(VENVS)/$*/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@# `.venvs/dev/bin/python -m rongtong.price` works from anywhere.
	@test $* != dev || echo "$(CURDIR)/layers/core" > "$$($(VENVS)/dev/bin/python -c 'import site; print(site.getsitepackages()[0])')/rongtong.pth"
	@touch $@

READY := $(VENVS)/dev/.ready $(VENVS)/emulator/.ready $(VENVS)/sam/.ready

demo: $(READY)
	@$(DEV)/python infrastructure/local/demo.py --bills "$(BILLS)"

up: $(READY)
	@$(DEV)/python infrastructure/local/stack.py up

down: $(VENVS)/dev/.ready
	@$(DEV)/python infrastructure/local/stack.py down

lint: $(VENVS)/dev/.ready
	@PATH="$(CURDIR)/$(DEV):$$PATH" infrastructure/local/lint.sh

TEMPLATES := template.yaml $(sort $(wildcard infrastructure/*.yaml))

security: $(VENVS)/dev/.ready $(VENVS)/checkov/.ready
	@$(DEV)/bandit -q -c pyproject.toml -r layers/core functions
	@$(DEV)/bandit -q -c pyproject.toml -s B603,B607 -r infrastructure/local
	@$(DEV)/cfn-lint $(TEMPLATES)
	@$(DEV)/cfn-lint --regions eu-west-1 --deployment-files infrastructure/parameters/*.json
	@# Without its mapping of checks to guides, which it would fetch.
	@BC_SKIP_MAPPING=TRUE $(VENVS)/checkov/bin/checkov --config-file .checkov.yaml $(TEMPLATES:%=--file %)
	@echo "security: code and templates are clean but for the exceptions that they explain"

# Two processes collect the same tests in the same order only under one seed of hashes.
test: $(READY) lint
	@PYTHONHASHSEED=0 $(DEV)/python -m pytest -n 2 tests/unit tests/client tests/local tests/faults tests/contract tests/fuzz
	@$(DEV)/python -m pytest tests/e2e

bench: $(READY)
	@PYTHONPATH="$$PYTHONPATH:tests" $(DEV)/python tests/benchmarks/bench.py

bench-evidence: $(READY)
	@PYTHONPATH="$$PYTHONPATH:tests" $(DEV)/python tests/benchmarks/evidence.py

bench-monthly: $(READY)
	@PYTHONPATH="$$PYTHONPATH:tests:tests/benchmarks" $(DEV)/python tests/benchmarks/monthly_review.py

bench-sealing: $(READY)
	@PYTHONPATH="$$PYTHONPATH:tests" $(DEV)/python tests/benchmarks/sealing.py

bench-reconciliation: $(READY)
	@PYTHONPATH="$$PYTHONPATH:tests:tests/benchmarks" $(DEV)/python tests/benchmarks/reconciliation.py $(if $(ONE_DAY),--one-day)

bench-handlers: $(READY)
	@PYTHONPATH="$$PYTHONPATH:tests" $(DEV)/python tests/benchmarks/handlers.py $(if $(COLD),--cold) $(if $(WARM),--warm)

faults: $(VENVS)/dev/.ready
	@PYTHONPATH="$$PYTHONPATH:tests:tests/faults" $(DEV)/python tests/faults/run_faults.py
	@PYTHONPATH="$$PYTHONPATH:tests:tests/faults" $(DEV)/python tests/faults/test_log_writers.py 10000
	@PYTHONPATH="$$PYTHONPATH:tests:tests/faults" $(DEV)/python tests/faults/test_file_log.py 10000

fuzz: $(VENVS)/dev/.ready
	@PYTHONPATH="$$PYTHONPATH:tests:tests/fuzz" $(DEV)/python tests/fuzz/run_fuzz.py $(if $(filter command,$(origin URL)),--url $(URL)) $(FUZZ)

kill outage: $(READY)
	@PYTHONPATH="$$PYTHONPATH:tests" $(DEV)/python tests/chaos/$@.py

drill: $(READY)
	@PYTHONPATH="$$PYTHONPATH:tests:tests/drills" $(DEV)/python tests/drills/threats.py

ops-tour: $(READY)
	@PYTHONPATH="$$PYTHONPATH:tests:tests/ops_tour" $(DEV)/python tests/ops_tour/tour.py $(ONLY)

recovery: $(READY)
	@PYTHONPATH="$$PYTHONPATH:tests" $(DEV)/python tests/benchmarks/recovery.py

docs: $(VENVS)/dev/.ready
	@$(DEV)/python infrastructure/local/reason_codes.py
	@$(DEV)/python infrastructure/local/access_table.py
	@$(DEV)/python infrastructure/local/openapi.py
	@$(DEV)/python infrastructure/local/client_types.py
	@$(DEV)/python infrastructure/local/collection.py
	@$(DEV)/python infrastructure/local/sandbox_table.py
	@$(DEV)/python infrastructure/local/event_schemas.py
	@$(DEV)/python infrastructure/local/scaling_page.py
	@$(DEV)/python infrastructure/local/compliance_page.py

mutation: $(VENVS)/dev/.ready
	@$(DEV)/python infrastructure/local/mutation.py --only "$(ONLY)"

samples: $(VENVS)/dev/.ready
	@$(DEV)/python infrastructure/local/make_samples.py
