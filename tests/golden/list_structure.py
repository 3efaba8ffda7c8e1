#!/usr/bin/env python3
"""Print the structure of a result file: groups, variables, types, dimensions with sizes, attributes (names only)."""
import sys

import h5py

HIDDEN = {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "_Netcdf4Dimid", "_Netcdf4Coordinates"}


def describe(name, item):
    attributes = ",".join(sorted(set(item.attrs) - HIDDEN))
    if isinstance(item, h5py.Group):
        return f"group {name}: {attributes}"
    dims = []
    for i in range(item.ndim):
        scale = item.dims[i][0].name.split("/")[-1] if len(item.dims[i]) else "?"
        if item.attrs.get("CLASS") == b"DIMENSION_SCALE":
            scale = item.name.split("/")[-1]
        # how many nodes and ranges are left depends on the order of arrival only while a run is not complete
        dims.append(f"{scale}={item.shape[i]}")
    kind = "text" if h5py.check_string_dtype(item.dtype) else str(item.dtype)
    return f"{name} {kind} ({', '.join(dims)}): {attributes}"


with h5py.File(sys.argv[1]) as f:
    lines = [describe("/", f)]
    f.visititems(lambda name, item: lines.append(describe("/" + name, item)))
print("\n".join(sorted(lines)))
