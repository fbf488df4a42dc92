#!/usr/bin/env bash
# Style, types, dependency direction and the template. Run by `make lint`.
set -euo pipefail
ruff format --check --quiet . || { echo "Not formatted; run: ruff format ."; exit 1; }
ruff check --quiet .
MYPYPATH=layers/core mypy --package rongtong
# Every functions folder has its own app.py; the sandbox's modules lie beside it.
for folder in functions/*/; do
  MYPYPATH="layers/core:$folder" mypy "$folder"*.py
done
MYPYPATH=layers/core:infrastructure/local mypy infrastructure/local/*.py
MYPYPATH=clients/python mypy --package rongtong_client
lint-imports  > /dev/null || lint-imports 
bandit -q -c pyproject.toml -r layers/core functions clients
# The local tools start programs of this checkout by their names, without a shell and without anything from outside.
bandit -q -c pyproject.toml -s B603,B607 -r infrastructure/local
# Whatever is chosen, and then with the parameters of production: what depends on values is found only so.
cfn-lint template.yaml infrastructure/*.yaml
cfn-lint --regions eu-west-1 --deployment-files infrastructure/parameters/*.json
echo "lint: style, types, dependency direction and template are clean"
