#!/bin/sh
# The paired study decides orders that the same number of independent runs leaves to noise, and its variance ratios are
# printed. Usage: sh tests/physics/test_paired_weak_error.sh PROGRAM
set -u
program=$1
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0

fail() {
  failures=$((failures + 1))
  echo "FAILED: $*"
}

# verdict FILE CURVE FEATURE: what is printed for that curve
row() {
  awk -v curve="$2" -v feature="$3" '/^Weak error/ {on = 1} on && $1 == curve && $2 == feature' "$1"
}

"$program" run studies/paired-weak-error.yaml -o "$folder/paired.h5" -q --backend cpu --set realisations=2^16 \
  >"$folder/paired" || fail "the paired study: exit code $?"
grep -v '^groups:\|label: pair' studies/paired-weak-error.yaml >"$folder/unpaired.yaml"
"$program" run "$folder/unpaired.yaml" -o "$folder/unpaired.h5" -q --backend cpu --set realisations=2^16 \
  >"$folder/unpaired" || fail "the unpaired study: exit code $?"

for feature in norm2 x; do
  row "$folder/paired" sme1 $feature | grep -q " order 1  *order 1 " || fail "sme1 $feature paired"
  row "$folder/paired" sme2 $feature | grep -q " order 2  *order 2 " || fail "sme2 $feature paired"
  row "$folder/unpaired" sme2 $feature | grep -q " noise dominated  *order 2 " || fail "sme2 $feature unpaired"
  row "$folder/unpaired" sme2 $feature | grep -q "unpaired/paired" && fail "independent runs have no variance ratio"
  # ratio at the largest and at the smallest learning rate
  row "$folder/paired" sme2 $feature | sed 's/.*paired variance //' |
    awk '{ok = NF == 5 && $1 > 30 && $5 > 10000} END {exit !ok}' || fail "variance ratios of $feature"
done
test $failures -eq 0 || cat "$folder/paired" "$folder/unpaired"
test $failures -eq 0
