#!/bin/sh
# The installed tree: moved to another prefix it runs the shipped study and a model of one's own (compiled with the
# installed kernel sources), and serves C programs through find_package and pkg-config. The bits are those of the build.
. tests/cli/harness.inc
unset ENSGRAD_KERNELS ENSGRAD_PLUGIN_PATH LD_LIBRARY_PATH
build=$(dirname "$program")
built=$program

# note WORD...: a part that is left out, and why
note() {
  echo "skipped: $*"
}

cmake --install "$build" --prefix "$folder/first" --strip >install.log 2>&1 || { cat install.log; exit 1; }
mv first "moved prefix"
prefix="$folder/moved prefix"
for file in bin/ensgrad share/man/man1/ensgrad.1 share/bash-completion/completions/ensgrad share/zsh/site-functions/_ensgrad \
  share/ensgrad/kernels/unit_cpu.c share/ensgrad/data/diabetes.h5 share/doc/ensgrad/README.md share/doc/ensgrad/copyright; do
  check [ -s "$prefix/$file" ]
done
# a path of the build folder in the program would be looked at on other machines
check sh -c '! grep -qF "$1" "$2"' sh "$root" "$prefix/bin/ensgrad"

# ---- the shipped study, small, from the moved prefix and from the build: the same estimates ----
study="$prefix/share/ensgrad/studies/diabetes-weak-error.yaml"
estimates() { # PROGRAM STUDY NAME ARGUMENT...
  program=$1
  what=$2
  name=$3
  shift 3
  expect 0 run "$what" -o "$name.h5" -q --backend cpu "$@"
  expect 0 export "$name.h5" -o "$name.csv"
}
estimates "$prefix/bin/ensgrad" "$study" installed --set realisations=2^10
estimates "$built" "$root/studies/diabetes-weak-error.yaml" built --set realisations=2^10
same installed.csv built.csv

# ---- a model of one's own: the sine loss, with the headers of the moved prefix ----
cp "$root/tests/conformance/user_model.h" sine.h
cat >sine.yaml <<'END'
title: sine loss
seed: 6
model: {file: sine.h, sigma: 1}
start: {point: 1}
learning_rate: 1/8
horizon: 1
dynamics: [{name: sgd, batch_size: 1}, {name: sme2}]
realisations: 2^12
observe: {at: [1], features: [x, norm2, loss]}
END
estimates "$prefix/bin/ensgrad" sine.yaml sine
estimates "$built" sine.yaml sine-built
same sine.csv sine-built.csv
# from another folder, called by a relative path and through a link
program=$prefix/bin/ensgrad
(cd "moved prefix/share" && ../bin/ensgrad check ../../sine.yaml >"$folder/relative" 2>&1) || fail "relative path: $(cat relative)"
ln -s "$prefix/bin/ensgrad" linked
program=$folder/linked
expect 0 check sine.yaml
# the plug-in, where it was built, is found in the moved prefix: a machine without a GPU then has another reason
if [ -e "$prefix/lib/ensgrad/libensgrad_cuda.so" ]; then
  expect 0 devices
  check sh -c '! grep -q "there is no CUDA plug-in" out'
else
  expect 0 devices
  says out "$prefix/bin/../lib/ensgrad/libensgrad_cuda.so"
fi
# negative control: without the installed headers it must fail, and say where it looked
program=$prefix/bin/ensgrad
mv "$prefix/share/ensgrad/kernels" kept
expect 6 check sine.yaml
says err "kernel sources are not found"
says err "$prefix/bin"
ENSGRAD_KERNELS=$folder/kept
export ENSGRAD_KERNELS
expect 0 check sine.yaml
ENSGRAD_KERNELS=$folder/nowhere
expect 6 check sine.yaml
says err "ENSGRAD_KERNELS is '$folder/nowhere'"
unset ENSGRAD_KERNELS
mv kept "$prefix/share/ensgrad/kernels"

# ---- the library: moved again, to a path that compilers' command lines can hold ----
mv "moved prefix" again
prefix=$folder/again
if [ ! -e "$prefix/lib/libensgrad.so" ]; then
  note "the library for C programs was not built"
  report
fi
# what is exported is what the public headers declare
cc -E -P -I"$prefix/include" -include ensgrad/ensgrad.h -x c /dev/null | grep -oE '\beg_[a-z0-9_]+ *\(' | tr -d ' (' |
  sort -u >declared
nm -D --defined-only "$prefix/lib/libensgrad.so" | awk '$2 != "A" { print $3 }' | sort -u >exported
check [ "$(wc -l <declared)" -gt 20 ]
same declared exported
check sh -c 'objdump -p "$1" | grep -q "SONAME *libensgrad\.so\.0\.[0-9]*$"' sh "$prefix/lib/libensgrad.so"

consumers() { # NAME PROGRAM: through the library, the same bits as the program's
  "$2" sine.yaml "$1.h5" "$1.csv" >out 2>err
  check [ $? -eq 0 ]
  cat err
  same "$1.csv" sine.csv
}

if cmake -S "$root/tests/install/consumer" -B found -DCMAKE_PREFIX_PATH="$prefix" >found.log 2>&1 &&
  cmake --build found >>found.log 2>&1; then
  consumers found-result found/consumer
else
  fail "find_package: $(tail -n 20 found.log)"
fi
for version in 0.2 1.0 99; do # an interface that this is not
  checks=$((checks + 1))
  if cmake -S "$root/tests/install/consumer" -B other -DCMAKE_PREFIX_PATH="$prefix" -DCONSUMER_WANTS=$version >other.log 2>&1; then
    fail "find_package(ensgrad $version) accepts version 0.1"
  fi
  check grep -q "compatible" other.log
done

if command -v pkg-config >/dev/null; then
  PKG_CONFIG_PATH=$prefix/lib/pkgconfig
  export PKG_CONFIG_PATH
  # shellcheck disable=SC2046  # a list of options
  if cc "$root/tests/install/consumer/consumer.c" -o packaged $(pkg-config --cflags --libs ensgrad) 2>packaged.log; then
    LD_LIBRARY_PATH=$prefix/lib consumers packaged-result ./packaged
  else
    fail "pkg-config: $(cat packaged.log)"
  fi
  check [ "$(pkg-config --modversion ensgrad)" = "$("$prefix/bin/ensgrad" --version | awk 'NR == 1 { print $2 }')" ]
else
  note "no pkg-config"
fi
if command -v g++ >/dev/null; then
  echo '#include <ensgrad/ensgrad.h>
int main() { eg_context_free(eg_context_create()); }' >plus.cc
  check g++ -Wall -Wextra -Werror -I"$prefix/include" plus.cc -L"$prefix/lib" -lensgrad -o plus
  check env LD_LIBRARY_PATH="$prefix/lib" ./plus
fi
report
