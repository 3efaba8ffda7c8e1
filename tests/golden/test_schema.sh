#!/bin/sh
# The structure of a result file against tests/golden/result_schema.txt. Changing it is a decision: update docs/result-file.md
# and the schema version with it. `UPDATE=1 sh tests/golden/test_schema.sh build/ensgrad` rewrites the golden file.
set -eu
program=$1
/usr/bin/python3 -c 'import h5py' 2>/dev/null || { echo "python3-h5py is missing"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" run tests/golden/schema_study.yaml -o "$folder/r.h5" --quiet --threads 2 --backend cpu >/dev/null
/usr/bin/python3 tests/golden/list_structure.py "$folder/r.h5" >"$folder/structure.txt"
if [ "${UPDATE:-0}" = 1 ]; then
  cp "$folder/structure.txt" tests/golden/result_schema.txt
fi
diff -u tests/golden/result_schema.txt "$folder/structure.txt"
"$program" verify "$folder/r.h5"
