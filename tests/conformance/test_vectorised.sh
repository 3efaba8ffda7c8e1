#!/bin/sh
# The lane loops of all steppers are vector code, read from the objects; and the check refuses what is not.
# The objects of the negative controls are compiled by the build with the flags of the units.
build=$(dirname "$1")
if [ ! -e "$build/generated/unit_list.h" ]; then
  echo "skipped: no objects of x86-64 here"
  exit 77
fi
scripts/check_vectorised "$build"
status=$?
[ $status -ne 77 ] || exit 77
failures=0
# refused WHAT OBJECT ISA WORD
refused() {
  if output=$(scripts/check_vectorised --object "$2" "$3"); then
    failures=$((failures + 1))
    echo "FAILED: $1 is accepted"
  elif ! echo "$output" | grep -q "$4"; then
    failures=$((failures + 1))
    echo "FAILED: $1 is refused for another reason than '$4': $output"
  fi
}
for isa in v3 v4; do
  control=$build/CMakeFiles/eg_unvectorisable_$isa.dir/generated/unvectorisable_$isa.c.o
  refused "a loop that depends on the state ($isa)" "$control" $isa 'gradient_flow: .*scalar arithmetic'
  refused "a loop that depends on the state ($isa)" "$control" $isa 'euler_diagonal: .*scalar arithmetic'
  refused "a call ($isa)" "$control" $isa 'exact: .*call'
done
narrow=$(ls "$build"/CMakeFiles/eg_kernels_v3.dir/generated/eg_unit_[oql][rui][nan]*_f64_v3.c.o | head -n 1)
refused "AVX2 code as AVX-512" "$narrow" v4 'narrow arithmetic'
echo "negative controls: $failures failed"
[ $status -eq 0 ] && [ $failures -eq 0 ]
