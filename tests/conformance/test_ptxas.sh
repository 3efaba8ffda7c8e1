#!/bin/sh
# What ptxas said about every kernel of the plug-in (build/ptxas/*.log): no stack and no spilled register.
#   sh test_ptxas.sh PROGRAM    the logs lie in the folder of the program; skipped (77) when there are none
logs=$(dirname "$1")/ptxas
if ! ls "$logs"/*.log >/dev/null 2>&1; then
  echo "skipped: no CUDA plug-in was built ($logs)"
  exit 77
fi
# Exceptions: architecture, unit, kernel, bytes of stack that are accepted. All on sm_100 in 16 dimensions, where the state alone
# takes 32 registers; to be mended, not to be added to.
accepted=$(mktemp) || exit 1
trap 'rm -f "$accepted"' EXIT
cat >"$accepted" <<'LIST'
sm_100 unit_linear_regression_16 eg_advance_gradient_flow 160
sm_100 unit_quadratic_16 eg_advance_euler_channels_gaussian 80
sm_100 unit_quadratic_16 eg_advance_sgd_channels_gaussian 80
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
    key = arch " " unit " " kernel
    if (key in accepted && stack <= accepted[key]) {
      n_accepted++
    } else if (stack > 0 || spill > 0) {
      printf "failed: %s %s %s: %d bytes of stack, %d spilled and reloaded\n", arch, unit, kernel, stack, spill
      n_failed++
    }
  }
  / registers/ {
    for (i = 2; i <= NF; i++) if ($i ~ /^registers/ && $(i - 1) + 0 > most) { most = $(i - 1); who = arch " " unit " " kernel }
  }
  END {
    printf "%d kernels, most registers %d (%s), %d accepted, %d failed\n", n, most, who, n_accepted, n_failed
    exit(n == 0 || n_failed > 0)
  }' "$accepted" "$logs"/*.log
