# make demo [FOR=60]   three virtual boards on one feeder, and the coordinator with its dashboard
# make test            everything: lint, types, unit tests, virtual boards, coordinator, browser
# make pictures        README's pictures of the dashboard, from a test that walks through its states
# make fuzz            what arrives at API and board endpoint, at random for some minutes

FOR ?= 0
PYTEST = .venv/bin/pytest --quiet --numprocesses auto --dist worksteal

.NOTPARALLEL:
.PHONY: demo test pictures fuzz setup setup-system lint types unit virtual coordinator end-to-end demo-test clean

demo: setup
	@.venv/bin/python -m tools.demo --for $(FOR)

test: lint types unit coordinator virtual end-to-end demo-test

setup:
	@tools/setup.sh

setup-system:
	@tools/setup.sh system

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types: setup
	.venv/bin/mypy host boards tools hil_tests
	.venv/bin/python -m tools.board_api

unit: setup
	cd firmware && ../.venv/bin/python -m unittest discover --quiet tests
	.venv/bin/node firmware/tests/run_micropython.mjs
	$(PYTEST) firmware/tests/properties

coordinator: setup-system
	$(PYTEST) host/tests tools/tests

fuzz: setup
	FUZZ_EXAMPLES=500 .venv/bin/pytest -rP host/tests/test_openapi.py host/tests/test_fuzz.py host/tests/test_http_noise.py --timeout 3600

pictures: setup-system
	PICTURES=build/pictures .venv/bin/pytest --quiet host/tests/test_dashboard_states.py
	cd build/pictures && cp now-desktop-light.png now-phone-dark.png order-phone-light.png lost-phone-light.png ../../host/pictures

virtual: setup
	$(PYTEST) boards/virtual

end-to-end: setup-system
	$(PYTEST) -rP hil_tests

demo-test: setup
	.venv/bin/python -m tools.demo --for 60

clean:
	rm -rf build .venv boards/virtual/node_modules
