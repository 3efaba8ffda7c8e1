#!/bin/sh
# A result opens in xarray with named dimensions, units and coordinates, selects by learning rate, and reproduces the
# printed table; so do the differences of groups.
set -eu
program=$1
/usr/bin/python3 -c 'import xarray, h5netcdf, netCDF4' 2>/dev/null || { echo "python3-xarray is missing"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" run tests/golden/schema_study.yaml -o "$folder/r.h5" --quiet --backend cpu --set start.points='[[1, 0]]' \
  >"$folder/table.txt"
/usr/bin/python3 tests/cli/read_table.py "$folder/r.h5" "$folder/table.txt"
/usr/bin/python3 tests/cli/io_readers.py --generic "$folder/r.h5"
"$program" run tests/golden/studies/groups.yaml -o "$folder/groups.h5" --quiet --backend cpu >/dev/null
/usr/bin/python3 tests/cli/read_differences.py "$folder/groups.h5"
/usr/bin/python3 tests/cli/io_readers.py --generic "$folder/groups.h5"
