#!/bin/sh
# What ptxas said about every kernel of the plug-in (build/ptxas/*.log): no stack and no spilled register.
#   sh test_ptxas.sh PROGRAM    the logs lie in the folder of the program; skipped (77) when there are none
logs=$(dirname "$1")/ptxas
if ! ls "$logs"/*.log >/dev/null 2>&1; then
  echo "skipped: no CUDA plug-in was built ($logs)"
  exit 77
fi
# Exceptions: architecture, unit, kernel, bytes of stack that are accepted. All are on constants that ptxas 13.0 keeps in
# registers although it could read them in place; none has an array on the stack. Nothing is accepted on sm_80.
cat >"${TMPDIR:-/tmp}/ptxas_accepted.$$" <<'LIST'
sm_90  unit_linear_regression_12 eg_advance_gradient_flow 24
sm_100 unit_linear_regression_12 eg_advance_gradient_flow 80
sm_100 unit_linear_regression_6  eg_advance_euler_cholesky_gaussian 600
sm_100 unit_linear_regression_6  eg_advance_strang_cholesky_gaussian 568
sm_90  unit_linear_regression_gaussian_16 eg_advance_euler_factor_gaussian 8
LIST
awk '
  FNR == NR { accepted[$1 " " $2 " " $3] = $4; next }
  FNR == 1 { unit = FILENAME; sub(/.*\//, "", unit); sub(/\.log$/, "", unit) }
  /Compiling entry function/ { split($0, part, "\047"); kernel = part[2]; arch = part[4] }
  /bytes stack frame/ {
    n++
    stack = spill = 0
    for (i = 2; i <= NF; i++) {
      if ($i == "bytes" && $(i + 1) == "stack") stack = $(i - 1)
      if ($i == "bytes" && $(i + 1) == "spill") spill += $(i - 1)
    }
    if (stack > 0 || spill > 0) {
      key = arch " " unit " " kernel
      if ((key in accepted) && stack <= accepted[key]) {
        printf "accepted: %s: %d bytes of stack, %d spilled and reloaded\n", key, stack, spill
      } else {
        printf "failed: %s: %d bytes of stack, %d spilled and reloaded\n", key, stack, spill
        n_failed++
      }
    }
  }
  / registers/ {
    for (i = 2; i <= NF; i++) if ($i ~ /^registers/ && $(i - 1) + 0 > most) { most = $(i - 1); who = arch " " unit " " kernel }
  }
  END {
    printf "%d kernels, most registers %d (%s), %d failed\n", n, most, who, n_failed
    exit(n == 0 || n_failed > 0)
  }' "${TMPDIR:-/tmp}/ptxas_accepted.$$" "$logs"/*.log
status=$?
rm -f "${TMPDIR:-/tmp}/ptxas_accepted.$$"
exit $status
