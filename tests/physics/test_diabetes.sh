#!/bin/sh
# The main study at 2^20 realisations: verdicts order 1, 1, 2 on norm2 and x, equal to those of the exact errors; exact local
# slopes as computed independently; every judged |z| below 5. Negative control: a modified equation with the wrong noise
# (batch size 2 instead of 4) must not be called order 2.
set -eu
program=$1
/usr/bin/python3 -c 'import xarray, h5netcdf' 2>/dev/null || { echo "python3-xarray is missing"; exit 77; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"$program" run studies/diabetes-weak-error.yaml -o "$folder/r.h5" --quiet --backend cpu --set realisations=2^20 >/dev/null
sed -e 's/{name: sme2, batch_size: 4/{name: sme2, batch_size: 2/' -e 's/reference: exact/reference: sgd/' studies/diabetes-weak-error.yaml |
  sed "s|../data/|$PWD/data/|" >"$folder/wrong.yaml"
"$program" run "$folder/wrong.yaml" -o "$folder/wrong.h5" --quiet --backend cpu --set realisations=2^18 >/dev/null
/usr/bin/python3 - "$folder/r.h5" "$folder/wrong.h5" <<'EOF'
import sys
import xarray

def analysis(path):
    return xarray.open_dataset(path, group="analysis", engine="h5netcdf").isel(time=-1)

root = xarray.open_dataset(sys.argv[1], engine="h5netcdf")
assert root.attrs["status"] == "complete" and root.attrs["z_judged"] >= 700, root.attrs
assert root.attrs["z_largest"] < 5, root.attrs["z_largest"]
ds = analysis(sys.argv[1])
for curve, order in (("gradient-flow", 1), ("sme1", 1), ("sme2", 2)):
    for feature in ("norm2", "x"):
        cell = ds.sel(weak_error_curve=curve, weak_error_feature=feature)
        assert int(cell.weak_error_verdict) == order, (curve, feature, int(cell.weak_error_verdict))
        assert int(cell.weak_error_verdict_exact) == order, (curve, feature)
slopes = {"gradient-flow": [1.20, 1.09, 1.04, 1.02], "sme1": [1.52, 1.25, 1.13, 1.06], "sme2": [2.19, 2.08, 2.04, 2.02]}
for curve, want in slopes.items():
    got = ds.sel(weak_error_curve=curve, weak_error_feature="norm2").weak_error_slope_exact.values
    assert all(abs(g - w) <= 0.0051 for g, w in zip(got, want)), (curve, got)
wrong = analysis(sys.argv[2]).sel(weak_error_curve="sme2", weak_error_feature="norm2")
assert int(wrong.weak_error_verdict) != 2, "the negative control passed"
print("verdicts 1, 1, 2; exact slopes agree; largest |z| %.2f of %d; the wrong noise is not called order 2"
      % (root.attrs["z_largest"], root.attrs["z_judged"]))
EOF
