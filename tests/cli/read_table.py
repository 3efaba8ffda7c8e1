#!/usr/bin/env python3
"""Compare the table that `ensgrad run` printed with the file as xarray reads it: read_table.py RESULT.h5 TABLE.txt"""
import sys

import xarray

path, table = sys.argv[1], open(sys.argv[2]).read().split("\nHistograms;")[0].splitlines()
compared = 0
for engine in (None, "h5netcdf", "netcdf4"):
    ds = xarray.open_dataset(path, engine=engine)
    assert ds["norm2"].dims == ("run", "time"), ds["norm2"].dims
    assert ds["x"].dims == ("run", "time", "component")
    assert ds["norm2"].attrs["units"] == "length^2" and ds["time"].attrs["long_name"]
    assert {"dynamics", "learning_rate", "batch_size"} <= set(ds.coords), ds.coords
    for line in table:
        words = line.split()
        if len(words) < 5 or words[0] not in ("sgd", "sme2") or words[2] not in ("norm2", "loss"):
            continue
        one = ds.where((ds.learning_rate == float(words[1])) & (ds.dynamics == words[0]), drop=True).isel(time=-1)
        assert one.sizes["run"] == 1, (line, one.sizes)
        value = float(one[words[2]][0])
        assert f"{value:.10g}" == words[3], (line, value)
        assert f"{float(one[words[2] + '_stderr'][0]):.2g}" == words[4], line
        assert f"{float(one[words[2] + '_expected'][0]):.10g}" == words[5], line
        compared += 1
assert compared == 3 * 2 * 3 * 2, compared
print(f"{compared} rows of the table reproduced")
