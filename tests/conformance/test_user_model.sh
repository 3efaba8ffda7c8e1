#!/bin/sh
# A user's model file, compiled at run time: the sine loss M6 of stochastic-modified-flows.md. With two-point noise SGD is
# the table's own process, and E loss = -E cos X. Means are compared with the table and with an enumeration of all 2^8
# noise sequences by awk; z beyond 6 fails, and wrong oracles must be rejected. Then what can go wrong.
. tests/cli/harness.inc
export ENSGRAD_KERNELS="$root/kernels"
cp "$root/tests/conformance/user_model.h" sine.h

write_sine() { # FILE NOISE DYNAMICS...
  cat >"$1" <<END
title: sine loss
seed: 6
model: {file: sine.h, sigma: 1}
start: {point: 1}
learning_rate: 1/8
horizon: 1
noise: $2
dynamics:
$3
realisations: 2^18
observe: {at: [1], features: [x, norm2, loss, gradient_norm2]}
END
}

# z FILE LABEL FEATURE ORACLE: print |z| of a mean.
z() {
  awk -F, -v label="$2" -v feature="$3" -v oracle="$4" '$2 == label && $7 == feature {
    z = ($9 - oracle) / $10
    printf "%.4f\n", z < 0 ? -z : z
  }' "$1"
}

# accept FILE LABEL FEATURE ORACLE; reject the same.
accept() {
  checks=$((checks + 1))
  value=$(z "$@")
  echo "z = $value: $*"
  awk -v z="$value" 'BEGIN { exit !(z != "" && z < 6) }' || fail "z = $value: $*"
}
reject() {
  checks=$((checks + 1))
  value=$(z "$@")
  echo "z = $value, must be large: $*"
  awk -v z="$value" 'BEGIN { exit !(z != "" && z > 6) }' || fail "z = $value is not rejected: $*"
}

# ---- SGD with theta = +-1, against the table and the enumeration ----
write_sine sgd.yaml two-point '  - {name: sgd, batch_size: 1}'
expect 0 run sgd.yaml -o sgd.h5 -q
expect 0 export sgd.h5 --csv -o sgd.csv
expect 0 replay sgd.h5 --realisation 262143 --every 1 --csv - --model sine.h
check [ "$(wc -l <out)" -eq 10 ]
awk 'BEGIN {
  for (code = 0; code < 256; code++) {
    x = 1
    bits = code
    for (i = 0; i < 8; i++) {
      theta = bits % 2 ? 1 : -1
      bits = int(bits / 2)
      x = x - (sin(x) + theta * cos(x)) / 8
    }
    mean += x / 256
    square += x * x / 256
    sine += sin(x) * sin(x) / 256
  }
  printf "%.12f %.12f %.12f\n", mean, square, sine
}' >oracle
read -r mean square sine <oracle
accept sgd.csv sgd x "$mean"
accept sgd.csv sgd norm2 "$square"
accept sgd.csv sgd gradient_norm2 "$sine"
accept sgd.csv sgd loss -0.908618219646
reject sgd.csv sgd loss -0.902295022303

# ---- modified equations; the channel and its absolute value have the same one-point law ----
write_sine sme.yaml gaussian '  - {name: sme1, substeps: 8}
  - {name: sme2, substeps: 8}
  - {name: sme2, factor: symmetric-root, substeps: 8, label: root}'
expect 0 run sme.yaml -o sme.h5 -q --threads 2
expect 0 export sme.h5 --csv -o sme.csv
accept sme.csv sme1 loss -0.902295022303
accept sme.csv sme2 loss -0.909157963728
accept sme.csv root loss -0.909157963728
reject sme.csv sme1 loss -0.909157963728
reject sme.csv sme2 loss -0.902295022303

# ---- the same bits with one thread ----
expect 0 run sme.yaml -o one.h5 -q --threads 1
expect 0 export one.h5 --csv -o one.csv
same sme.csv one.csv

# ---- float state and gaussian64 compile, too ----
expect 0 run sgd.yaml -o float.h5 -q --set state=float
expect 0 export float.h5 --csv -o float.csv
accept float.csv sgd loss -0.908618219646
expect 0 run sme.yaml -o wide.h5 -q --set noise=gaussian64 --set realisations=2^14
expect 0 export wide.h5 --csv -o wide.csv
accept wide.csv sme2 loss -0.909157963728

# ---- more increments a step than the shipped models of one dimension have: the mean and square of a linear recursion ----
cat >many.h <<'END'
#define EG_NAME       "many"
#define EG_EQUATION   "g(x, z) = x + sum_k z_k / sqrt(20), 20 normals"
#define EG_DIM        1
#define EG_IS_PROCESS 0
#define EG_CAPS       (EG_CAP_LOSS | EG_CAP_DRIFT | EG_CAP_CHANNELS)
#define EG_CHANNELS   20
#define EG_STAGED     0
#define EG_PARAMS(P, PV) P(sigma, 1.0, 0.0, 1e6, "strength of the gradient noise")
EG_PARAMS_STRUCT
EG_FN eg_real eg_loss(const eg_params *p, const eg_real *st, const eg_real *x) {
  (void)p;
  (void)st;
  return (eg_real)0.5 * x[0] * x[0];
}
EG_FN void eg_gradient(const eg_params *p, const eg_real *st, const eg_real *x, eg_real *g) {
  (void)p;
  (void)st;
  g[0] = x[0];
}
EG_FN void eg_drift(const eg_params *p, const eg_real *st, eg_real correction, const eg_real *x, eg_real *b) {
  (void)p;
  (void)st;
  (void)correction;
  b[0] = -x[0];
}
EG_FN void eg_noise_channels(const eg_params *p, const eg_real *st, const eg_real *x, eg_noise z, eg_real *v) {
  eg_real sum = 0;
  (void)st;
  (void)x;
  for (int k = 0; k < EG_CHANNELS; k++) {
    sum = sum + EG_Z(z, k);
  }
  v[0] = (eg_real)p->sigma * sum * (eg_real)0.22360679774997896;
}
END
write_sine many.yaml gaussian '  - {name: sgd, batch_size: 1}
  - {name: sme1, scheme: euler-maruyama}'
sed -i 's/sine\.h/many.h/; s/sine loss/many channels/' many.yaml
expect 0 run many.yaml -o many.h5 -q
expect 0 export many.h5 --csv -o many.csv
awk 'BEGIN {
  x = 1
  for (i = 0; i < 8; i++) {
    x *= 7 / 8
    v = v * 49 / 64 + 1 / 64
  }
  printf "%.12f %.12f\n", x, x * x + v
}' >oracle
read -r mean square <oracle
for dynamics in sgd sme1; do
  accept many.csv $dynamics x "$mean"
  accept many.csv $dynamics norm2 "$square"
  reject many.csv $dynamics norm2 "$(awk -v m="$mean" 'BEGIN { print m * m }')"
done
export ENSGRAD_ISA=v3
expect 0 run many.yaml -o narrow.h5 -q --threads 1
unset ENSGRAD_ISA
expect 0 export narrow.h5 --csv -o narrow.csv
same many.csv narrow.csv

# ---- the model's text belongs to the study: an edited one does not continue ----
echo '/* edited */' >>sine.h
expect 5 run sgd.yaml -o sgd.h5 -q
says err "sgd.h5"
expect 3 replay sgd.h5 --model sine.h
says err "have other contents than those that the result was made from"

export ENSGRAD_KERNEL_OPT=0 # from here on nothing long is run, but much is compiled

# ---- of a result, only a file that the user names is compiled, whatever the result says; then one that nobody else can write ----
cp "$root/tests/conformance/user_model.h" sine.h
for k in 0 1; do
  expect 0 run sgd.yaml -o "part$k.h5" -q --shard "$k/2"
done
try_all() { # CODE OPTION...: each command that reads a study from a result
  code=$1
  shift
  for command in "replay sgd.h5" "analyse sgd.h5 -o again.h5" "extend sgd.h5 --realisations 2^19 -o longer.h5 -q" \
    "merge part0.shard-0-of-2.h5 part1.shard-1-of-2.h5 -o merged.h5 -q"; do
    rm -f again.h5 longer.h5 merged.h5
    # shellcheck disable=SC2086
    expect "$code" $command "$@"
    [ "$code" -ne 0 ] || continue
    says err "--model"
    check [ ! -e again.h5 ] && check [ ! -e longer.h5 ] && check [ ! -e merged.h5 ]
  done
}
try_all 3
says err "$folder/sine.h would be compiled and run, and only a file that you name is"
try_all 0 --model sine.h
mkdir elsewhere
mv sine.h elsewhere/other_name.h
try_all 3 --model sine.h
says err "cannot be read: No such file"
expect 0 replay sgd.h5 --model elsewhere/other_name.h
mv elsewhere/other_name.h sine.h
for mode in 664 646; do
  chmod "$mode" sine.h
  try_all 3 --model sine.h
  says err "others can write it: chmod go-w"
done
chmod 644 sine.h
mkfifo pipe.h
try_all 3 --model pipe.h
says err "is no regular file"
ln -s sine.h link.h
expect 0 replay sgd.h5 --model link.h
sed 's/cos/sin/' sine.h >changed.h
for command in "replay sgd.h5" "extend sgd.h5 --realisations 2^19 -o longer.h5 -q"; do
  # shellcheck disable=SC2086
  expect 3 $command --model changed.h
  says err "have other contents than those that the result was made from"
done
if [ "$(id -u)" -eq 0 ]; then
  cp sine.h foreign.h
  chown 65534 foreign.h
  try_all 3 --model foreign.h
  says err "belongs to another user"
else
  echo "not root: no file of another user was tried"
fi
write_study tiny.yaml 10 8
expect 0 run tiny.yaml -q
expect 2 replay tiny.h5 --model sine.h
says err "--model has no meaning"

# ---- so does every file that it includes, wherever the study lies; no other file does ----
mkdir -p study/parts
cp "$root/tests/conformance/user_model.h" study/sine.h
echo '#include "parts/with $ign # and blank.h"' >>study/sine.h
printf '#include "deep.h"\n#include <math.h>\n' >'study/parts/with $ign # and blank.h'
echo '/* nothing yet */' >study/parts/deep.h
echo '/* nothing yet */' >study/parts/other.h
cp sgd.yaml study
expect 0 run study/sgd.yaml -o included.h5 -q --set realisations=2^10
mv study moved
echo '/* edited */' >>moved/parts/other.h
expect 0 run moved/sgd.yaml -o included.h5 -q --set realisations=2^10
echo '/* edited */' >>moved/parts/deep.h
expect 5 run moved/sgd.yaml -o included.h5 -q --set realisations=2^10
says err "included.h5"
echo '/* nothing yet */' >moved/parts/deep.h
echo '/* edited */' >>'moved/parts/with $ign # and blank.h'
expect 5 run moved/sgd.yaml -o included.h5 -q --set realisations=2^10

# ---- mistakes: exit 3 with the reason ----
expect 3 run sgd.yaml -o bad.h5 --set model.sigmma=2
says err "did you mean 'sigma'?"
expect 3 run sgd.yaml -o bad.h5 --set model.file=none.h
says err "none.h"
sed 's/v\[0\] = (eg_real)(p->sigma \* (c < 0/v[0] = (eg_real)(p->sigmma * (c < 0/' sine.h >wrong.h
expect 3 run sgd.yaml -o bad.h5 --set model.file=wrong.h
says err "does not compile"
says err "wrong.h:"
says err "sigmma"
sed '/^EG_FN void eg_drift/,/^}/d' sine.h >less.h
expect 3 run sgd.yaml -o bad.h5 --set model.file=less.h
says err "eg_drift"
cp "$root/kernels/models/linear_regression.h" rows.h
sed 's/, sigma: 1}/, data: diabetes.h5}/; s/two-point/gaussian/' sgd.yaml >rows.yaml
cp "$root/data/diabetes.h5" .
expect 3 run rows.yaml -o bad.h5 --set model.file=rows.h
says err "EG_STAGED"
expect 3 run sgd.yaml -o bad.h5 --set start.point='[1, 2]'
says err "dimension"
check [ ! -e bad.h5 ]

# ---- no compiler: exit 6, and it says what to do ----
CC=/nonexistent/cc
export CC
expect 6 run sgd.yaml -o bad.h5
says err "/nonexistent/cc"
report
