#!/usr/bin/python3
"""Result files as others see them: xarray (default engine, h5netcdf, netcdf4), netCDF4 and h5py.

usage: io_readers.py PATH                  the sample written by `test_io --write PATH`
       io_readers.py --generic PATH...     any result file: opens everywhere, all axes labelled, all engines agree
"""
import sys

import h5py
import netCDF4
import numpy as np
import xarray as xr

ENGINES = ({}, {"engine": "h5netcdf"}, {"engine": "netcdf4"})
HDF5_OWN = {"CLASS", "NAME", "DIMENSION_LIST", "REFERENCE_LIST"}


def groups_of(path):
    with h5py.File(path, "r") as file:
        return [None] + [name for name, item in file.items() if isinstance(item, h5py.Group)]


def check_scales(path):
    """h5py: every axis of every dataset has exactly one scale of its length and name."""
    def visit(name, item):
        if not isinstance(item, h5py.Dataset) or h5py.h5ds.is_scale(item.id):
            return
        for axis in item.dims:
            assert len(axis) == 1, f"{name}: {len(axis)} scales"
            assert axis[0].shape[0] == item.shape[axis._dimension], name
            assert h5py.h5ds.is_attached(item.id, axis[0].id, axis._dimension), name
    with h5py.File(path, "r") as file:
        file.visititems(visit)


def check_types(path):
    """No type that some reader cannot digest."""
    def visit(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        text = h5py.check_string_dtype(item.dtype)
        assert (text is not None and text.length is None) or item.dtype.kind in "fiu", f"{name}: {item.dtype}"
        assert h5py.check_enum_dtype(item.dtype) is None, name
    with h5py.File(path, "r") as file:
        file.visititems(visit)


def check_generic(path):
    check_scales(path)
    check_types(path)
    for group in groups_of(path):
        opened = [xr.open_dataset(path, group=group, decode_times=False, **engine).load() for engine in ENGINES]
        for other in opened[1:]:
            # 64-bit zero-length and text variables may differ in dtype between engines, values may not
            assert dict(other.sizes) == dict(opened[0].sizes), group
            assert set(other.variables) == set(opened[0].variables), group
            for name in other.variables:
                assert other[name].dims == opened[0][name].dims, (group, name)
                np.testing.assert_array_equal(other[name].values, opened[0][name].values)
                assert set(other[name].attrs) == set(opened[0][name].attrs), (group, name)
            assert set(other.attrs) == set(opened[0].attrs), group
        for dataset in opened:
            assert not any(str(dim).startswith("phony") for dim in dataset.dims), group
            assert not any(set(v.attrs) & HDF5_OWN for v in dataset.variables.values()), group
            dataset.close()


def check_sample_root(dataset):
    assert dict(dataset.sizes) == {"run": 2, "step": 3, "component": 4}, dataset.sizes
    assert dataset["loss"].dims == ("run", "step", "component")
    assert list(dataset["step"].values) == [0, 10, 1000]
    assert "step" in dataset.coords and "eta" in dataset.coords and "scheme" in dataset.coords
    assert list(dataset["scheme"].values) == ["sgd", "SVAG ε"]
    assert list(dataset["component"].values) == [0, 1, 2, 3]
    assert list(dataset["run"].values) == [0, 1]
    assert dataset["eta"].attrs["long_name"] == "learning rate"
    assert list(dataset["loss"].attrs["levels"]) == [0.05, 0.5, 0.95]
    assert np.isnan(dataset["loss"].values.flat[5]) and dataset["loss"].values.flat[7] == 0.1 * 7
    assert dataset["loss"].sel(step=1000).sizes == {"run": 2, "component": 4}
    assert int(dataset["total"]) == 2**64 - 1 and dataset["state"].dtype == np.uint8
    assert dataset.attrs["Conventions"] == "CF-1.10" and dataset.attrs["title"] == "Beispiel äöü"
    assert dataset.attrs["comment"] == "" and list(dataset.attrs["ensgrad_schema"]) == [1, 0]


def check_sample_groups(path, engine):
    failures = xr.open_dataset(path, group="failures", **engine).load()
    assert failures.sizes == {"failure": 0} and failures["reason"].shape == (0,), failures
    accumulators = xr.open_dataset(path, group="accumulators", **engine).load()
    assert accumulators["m2"].dims == ("run", "part") and accumulators["n"].shape == (40000,)
    assert accumulators["node"].values[-1] == 39999 // 7 and np.isinf(accumulators["m2"].values[1, 0])
    provenance = xr.open_dataset(path, group="provenance", **engine).load()
    assert provenance["config"].values.item() == "model: quadratic\n# line two\n"
    assert list(provenance["label"].values)[:2] == ["zwölf", ""]
    assert provenance.attrs["seed"] == 2**64 - 2 and list(provenance.attrs["parents"]) == ["a.h5", "b.h5"]
    analysis = xr.open_dataset(path, group="analysis", **engine).load()
    assert analysis["cube"].dims == ("a", "b", "c", "d", "e", "component")
    assert analysis["cube"].values.flat[-1] == 2**63 - 1


def check_sample(path):
    check_generic(path)
    for engine in ENGINES:
        with xr.open_dataset(path, **engine) as dataset:
            check_sample_root(dataset)
            dataset.set_index(run=["eta", "scheme"]).unstack("run")
        check_sample_groups(path, engine)
    with netCDF4.Dataset(path) as file:
        assert list(file.variables) == ["run", "component", "step", "eta", "scheme", "loss", "state", "total"]
        assert not any(dimension.isunlimited() for dimension in file.dimensions.values())
    with h5py.File(path, "r") as file:
        assert list(file["loss"].dims[1].keys()) == ["step"]
        assert file["provenance/config"][()].decode() == "model: quadratic\n# line two\n"


def main(arguments):
    if not arguments or arguments[0] == "-h":
        sys.exit(__doc__)
    generic = arguments[0] == "--generic"
    for path in arguments[1:] if generic else arguments:
        (check_generic if generic else check_sample)(path)
        print(f"{path}: xarray {xr.__version__} (default, h5netcdf, netcdf4), netCDF4, h5py agree")


main(sys.argv[1:])
