#!/bin/sh
# What is not compiled ahead, on the played device with a played NVRTC (fake_nvrtc.c): the CPU's bits, the cache on disk,
# and what is said without NVRTC.
#   sh cuda_compile.sh PROGRAM HASH FAKE NVRTC: hash_result, the folder of the played plug-in, the played NVRTC
. tests/cli/harness.inc
hash=$2
export ENSGRAD_PLUGIN_PATH="$3" ENSGRAD_FAKE_ORDER=steps ENSGRAD_NVRTC="$4" ENSGRAD_KERNELS="$root/kernels"
export ENSGRAD_CACHE="$folder/deep/cache" FAKE_NVRTC_LOG="$folder/log"
cp "$root/tests/conformance/user_model.h" sine.h

write() { # NOISE [LINE]
  cat >study.yaml <<END
seed: 7
model: ${3:-ornstein-uhlenbeck}
start: {point: 0.5}
steps: 48
${4:-time_step}: 1/48
noise: $1
${2:-}
dynamics: {name: ${5:-sde}, scheme: euler-maruyama}
realisations: 20000
observe: {at: {linear: 3}, features: [x, norm2]}
END
}

# compiled N: the compiler has been called so often in all
compiled() {
  checks=$((checks + 1))
  n=$(wc -l <"$FAKE_NVRTC_LOG" 2>/dev/null || echo 0)
  [ "$n" -eq "$1" ] || fail "the compiler ran $n times, expected $1"
}

# equal: CPU and played GPU agree on study.yaml
equal() {
  rm -f cpu.h5 cuda.h5
  expect 0 run study.yaml -o cpu.h5 --backend cpu -q
  expect 0 run study.yaml -o cuda.h5 --backend cuda -q
  check "$hash" cpu.h5 >cpu.hash
  check "$hash" cuda.h5 >cuda.hash
  same cuda.hash cpu.hash
}

# ---- bits of every route ----
n=0
for noise in table8 table10 three-point gaussian64; do
  write $noise
  equal
  n=$((n + 1))
  compiled $n
done
write gaussian 'state: float'
equal
n=$((n + 1))
compiled $n
write gaussian '' '{file: sine.h, sigma: 1}' learning_rate sme1
equal
n=$((n + 1))
compiled $n

# ---- the cache: nothing is compiled twice ----
check test "$(stat -c %a deep/cache)" = 700
check test "$(find deep/cache -type f -name '*.cubin' | wc -l)" -eq $n
check test -z "$(find deep/cache -type f ! -perm 600)"
write table8
equal
compiled $n

# another text of the model is another entry
sed -i 's/sine loss/sine  loss/' sine.h
write gaussian '' '{file: sine.h, sigma: 1}' learning_rate sme1
equal
n=$((n + 1))
compiled $n

# damaged entries are made anew: a bit, a byte less, nothing
write table8
for damage in bit short empty; do
  for file in deep/cache/*; do
    case $damage in
    bit) printf 'X' | dd of="$file" bs=1 seek=60 conv=notrunc 2>/dev/null ;;
    short) truncate -s -1 "$file" ;;
    empty) : >"$file" ;;
    esac
  done
  equal
  n=$((n + 1))
  compiled $n
done

# a folder that others may write, or that is a link, is not trusted: neither read nor written
chmod 777 deep/cache
before=$(ls -l deep/cache | cksum)
equal
n=$((n + 1))
compiled $n
check test "$(ls -l deep/cache | cksum)" = "$before"
chmod 700 deep/cache
ln -s cache deep/link
ENSGRAD_CACHE=$folder/deep/link
equal
n=$((n + 1))
compiled $n
ENSGRAD_CACHE=$folder/study.yaml/cache # cannot be made
equal
n=$((n + 1))
compiled $n
ENSGRAD_CACHE=$folder/deep/cache
equal
compiled $n

# ---- gaussian-fast exists nowhere but on a GPU ----
write gaussian-fast
expect 6 run study.yaml -o fast.h5 --backend cpu -q
says err 'gaussian-fast exists on the GPU only'

# ---- what does not compile ----
write gaussian '' '{file: sine.h, sigma: 2}' learning_rate sme1
sed -i 's/sine  loss/sine   loss/' sine.h
FAKE_NVRTC_FAILS=1 expect 6 run study.yaml -o fails.h5 --backend cuda -q
says err 'the played compiler does not like this'

# ---- without NVRTC ----
export ENSGRAD_NVRTC=/nowhere
write table10
expect 6 run study.yaml -o none.h5 --backend cuda -q
says err 'with noise table10 is not compiled ahead'
says err 'there is no NVRTC'
check test ! -e none.h5
expect 0 run study.yaml -o none.h5 -q
says err 'the GPU is not used'
says err 'there is no NVRTC'
expect 0 run study.yaml -o cpu10.h5 --backend cpu -q
check "$hash" cpu10.h5 >cpu.hash
check "$hash" none.h5 >none.hash
same cpu.hash none.hash
write gaussian
sed -i 's/norm2]}/norm2], monitors: [{name: m, feature: x0, operation: maximum}]}/' study.yaml
expect 6 run study.yaml -o none.h5 --backend cuda -q --force
says err 'look after every step (monitors) are not compiled ahead'
export ENSGRAD_NVRTC="$4"
equal
report
