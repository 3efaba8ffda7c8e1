#!/bin/sh
# Histograms, kept paths and replay as a user meets them: what is stored, printed, exported, repeated and refused.
. tests/cli/harness.inc
reader=$root/tests/cli/read_histograms.py
/usr/bin/python3 -c 'import h5py, numpy' 2>/dev/null || { echo "python3-h5py is missing"; exit 77; }

# Two points, lost trajectories, fixed and automatic grids; every realisation is kept.
cp "$root/tests/golden/studies/histograms.yaml" all.yaml
expect 0 run all.yaml -q --backend cpu --set observe.keep='{realisations: 1000, of: [x, norm2, loss]}'
says out "Histograms; fractions outside the grid at the last time, point 0"
says out "Kept paths of the first 1000 realisations: x, norm2, loss"
check /usr/bin/python3 "$reader" all.h5
check /usr/bin/python3 "$reader" all.h5 "$program" >replayed
expect 0 verify all.h5
expect 0 export all.h5 --what histograms
says out "run,dynamics,learning_rate,point,time,step,feature,component,low,high,count,density,density_stderr"
check [ "$(wc -l <out)" -eq $((1 + 2 * 2 * 4 * (42 + 35 + 22 + 66))) ]
expect 0 export all.h5 --what paths -o paths.csv
check [ "$(wc -l <paths.csv)" -eq $((1 + 2 * 2 * 1000 * 4 * 3)) ]
expect 0 export all.h5
expect 2 export all.h5 --what path
says err "allowed: estimates, histograms, paths"

# A lost trajectory ends with the step that /failures has, and is finite before.
for failure in 0 100; do
  set -- $(/usr/bin/python3 "$reader" all.h5 --failure $failure)
  run=$1 realisation=$2 point=$3 step=$4
  expect 0 replay all.h5 --run "$run" --realisation "$realisation" --point "$point" --steps 0:100
  says out "not finite from step $step on"
  check [ "$(tail -n 2 out | head -n 1 | cut -d' ' -f1)" = "$step" ]
  check [ "$(wc -l <out)" -eq $((step + 4)) ]
  check [ "$(tail -n 2 out | head -n 1 | awk '{print $5}')" = "-" ]
  check [ "$(sed -n "$((step + 2))p" out | awk '{print ($3 == "-")}')" = 0 ]
  expect 0 replay all.h5 --run "$run" --realisation "$realisation" --point "$point" --csv -
  check [ "$(tail -n 1 out | cut -d, -f1)" = "$step" ]
done

# Which steps; where to.
expect 0 replay all.h5 --run sgd --every 48 --csv -
check [ "$(cut -d, -f1 out | tr '\n' ' ')" = "step 0 48 96 " ]
expect 0 replay all.h5 --run sme2 --steps 10:20 --every 5 --csv steps.csv
is_empty out
check [ "$(cut -d, -f1 steps.csv | tr '\n' ' ')" = "step 10 15 20 " ]
expect 5 replay all.h5 --run sme2 --csv steps.csv
expect 0 replay all.h5 --run sme2 --csv steps.csv --force
expect 0 replay all.h5 --run sme2
says out "run 1: sme2, realisation 0, point 0; steps of the integrator"
expect 0 help replay
says out "--realisation"

# What cannot be: all with the words of what is there.
expect 2 replay all.h5
says err "which run?"
says err "1  sme2"
expect 2 replay all.h5 --run smee
says err "there is no run 'smee'"
expect 2 replay all.h5 --run 2
expect 2 replay all.h5 --run 0 --realisation 1000
says err "run 'sgd' has 0 to 999"
expect 2 replay all.h5 --run 0 --point 2
expect 2 replay all.h5 --run 0 --realisation -1
expect 2 replay all.h5 --run 0 --realisation 1.5
expect 2 replay all.h5 --run 0 --steps 5
expect 2 replay all.h5 --run 0 --steps 5:4
expect 2 replay all.h5 --run 0 --steps 97:98
says err "the run has 96 integrator steps"
expect 2 replay all.h5 --run 0 --every 0
expect 2 replay all.h5 --run 0 --csv ./all.h5 --force
expect 2 replay all.h5 --run 0 --data all.yaml
says err "--data has no meaning"
expect 5 replay nothing.h5
expect 7 replay all.yaml
head -c 5000 all.h5 >cut.h5
expect 7 replay cut.h5

# A result without any of it.
write_study tiny.yaml 100 8
expect 0 run tiny.yaml -q
expect 2 export tiny.h5 --what histograms
says err "holds no histograms"
expect 2 export tiny.h5 --what paths
expect 0 replay tiny.h5 --realisation 99
expect 2 replay tiny.h5 --realisation 100

# A study with overrides and data: found from another folder by its full name; moved, changed, named again.
mkdir -p there/data elsewhere
cp "$root/data/diabetes.h5" there/data/
cat >there/data.yaml <<'END'
seed: 3
model: {name: linear-regression, data: data/diabetes.h5, ridge: 0.01}
learning_rate: 1/64
steps: 16
dynamics: [{name: sgd, batch_size: 4}, {name: sme1, batch_size: 4, substeps: 2}]
realisations: 200
observe: {at: {steps: [4, 16]}, features: [x, loss], histograms: {feature: loss, scale: log}, keep: {realisations: 70}}
END
expect 0 run there/data.yaml -q --backend cpu -o data.h5 --set seed=4 --set model.ridge=0.02
check /usr/bin/python3 "$reader" data.h5 "$program" >replayed
cd elsewhere || exit 1
expect 0 replay ../data.h5 --run 1 --realisation 199
cp out before
mv ../there/data "../there/moved \"data\""
expect 3 replay ../data.h5 --run 1 --realisation 199
says err "name another place with --data FILE"
expect 0 replay ../data.h5 --run 1 --realisation 199 --data "../there/moved \"data\"/diabetes.h5"
same out before
check /usr/bin/python3 "$reader" "../there/moved \"data\"/diabetes.h5" --change changed.h5
expect 3 replay ../data.h5 --run 1 --realisation 199 --data changed.h5
says err "was made from other contents of its data"
expect 3 replay ../data.h5 --run 1 --data nowhere.h5
cd ..

# Requests that do not fit say what would.
expect 3 check all.yaml --set observe.keep='{realisations: 999999}' --set realisations=2^20
says err "20833 realisations would fit"
expect 3 check all.yaml --set observe.keep='{realisations: 1}' --set steps=2^20 \
  --set start.points='[[0], [1], [2], [3]]' --set observe.at='{steps: {linear: 50000}}' --set observe.histograms='[]'
says err "at most 1000000 are allowed"
expect 3 check all.yaml --set observe.histograms='{feature: x3}'
says err "there is no x3: the dimension is 1"
expect 3 check all.yaml --set observe.histograms='{feature: x, bins: 4096}' --set observe.at='{steps: {linear: 100000}}' \
  --set steps=2^20 --set observe.keep='{realisations: 1}' --set observe.features=x
says err "The largest statistic is histogram"
report
