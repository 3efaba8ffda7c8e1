#!/usr/bin/env python3
"""Differences of groups as xarray reads them: read_differences.py RESULT.h5"""
import sys

import numpy as np
import xarray

for engine in (None, "h5netcdf", "netcdf4"):
    ds = xarray.open_dataset(sys.argv[1], engine=engine)
    assert ds["norm2_difference"].dims == ("difference", "point", "time"), ds["norm2_difference"].dims
    assert ds["x_difference"].dims == ("difference", "point", "time", "component")
    assert {"difference_group", "difference_first", "difference_second"} <= set(ds.coords), ds.coords
    assert ds["norm2_difference_variance"].attrs["units"] == "length^4"
    assert ds["norm2_difference_variance_ratio"].attrs["units"] == "1"
    first, second = ds["difference_first_run"].values, ds["difference_second_run"].values
    assert list(ds["difference_first"].values) == list(ds["description"].values[first])
    assert list(ds["difference_second"].values) == list(ds["description"].values[second])
    for f in ("x", "norm2", "loss"):
        # nothing diverges here: the mean of differences is the difference of means, up to rounding
        means = ds[f].values[first] - ds[f].values[second]
        np.testing.assert_allclose(ds[f + "_difference"].values, means, rtol=0, atol=1e-13)
        sums = ds[f + "_variance"].values[first] + ds[f + "_variance"].values[second]
        np.testing.assert_array_equal(ds[f + "_difference_variance_unpaired"].values, sums)
        ratio = sums / ds[f + "_difference_variance"].values
        np.testing.assert_array_equal(ds[f + "_difference_variance_ratio"].values, ratio)
        assert (ds[f + "_difference_count"].values == 3000).all()
    chain = ds.where(ds.difference_group == "chain learning_rate=0.25", drop=True)
    assert chain.sizes["difference"] == 2 and float(chain["norm2_difference_variance_ratio"].min()) > 2
print("differences read by every engine")
