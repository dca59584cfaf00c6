# The front door: each target installs what it needs, says so, and can be run again in seconds.
BUILD := build
VENV := $(BUILD)/venv
PREFIX ?= /usr/local

.PHONY: all demo test check bench fuzz powerloss install clean deps venv release asan

all: deps release

demo: deps release venv
	@scripts/demo.sh

test: deps asan release venv
	@$(VENV)/bin/python tests/run.py

check: deps venv release
	@scripts/check.sh

bench: deps release venv
	@$(VENV)/bin/python bench/run.py

# Power cuts after every flash operation; CASE=littlefs/update/half/137 replays one of them.
powerloss: deps venv
	@$(VENV)/bin/python tests/powerloss/run.py $(CASE)

fuzz: deps venv
	@scripts/fuzz.sh

install: deps release
	@scripts/install.sh "$(DESTDIR)" "$(PREFIX)"

deps:
	@scripts/deps.sh $(MAKECMDGOALS)

release: deps
	@scripts/build.sh $(BUILD)/release --buildtype=debugoptimized -Dprefix=$(PREFIX)

asan: deps
	@scripts/build.sh $(BUILD)/asan --buildtype=debug -Db_sanitize=address,undefined

venv: deps $(VENV)/.done

$(VENV)/.done: sim/requirements.txt tests/requirements.txt
	@scripts/venv.sh $(VENV) tests/requirements.txt

clean:
	rm -rf $(BUILD)
