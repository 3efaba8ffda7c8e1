#!/bin/sh
# An extended result has the bits of one run with all realisations; what cannot be extended is refused with the reason.
. tests/cluster/cluster.inc

first=$((64 * 64 * 2))
second=$((first * 3 / 2))
for study in rich absorbing groups; do
  expect 0 run $study.yaml -o long.h5 --force -q --set realisations=$second
  expect 0 run $study.yaml -o short.h5 --force -q --set realisations=$first
  cp short.h5 kept.h5
  expect 0 extend short.h5 -n $second -q
  equal long.h5 short.h5
  expect 0 extend kept.h5 --realisations $second -o beside.h5 --force -q
  equal long.h5 beside.h5
  expect 0 verify kept.h5
done

# The longer result is that of the study with its new number: run leaves it, and it can be extended again.
expect 0 run groups.yaml --set realisations=$second -o short.h5
says err "complete already"
expect 0 extend short.h5 -n $second
says err "complete already"
expect 0 extend short.h5 -n $((first * 2 - 257)) -q
expect 0 run groups.yaml --set realisations=$((first * 2 - 257)) -o twice.h5 -q
equal twice.h5 short.h5
expect 3 extend short.h5 -n $((first * 2 - 256))
says err "its last tile holds"

# Merged shards can be extended.
for k in 0 1 2; do
  expect 0 run rich.yaml --shard $k/3 --set realisations=$first -q
done
expect 0 merge -o merged.h5 -q rich.shard-*-of-3.h5
expect 0 extend merged.h5 -n $second -q
expect 0 run rich.yaml -o long.h5 --force -q --set realisations=$second
equal long.h5 merged.h5
expect 3 extend rich.shard-0-of-3.h5 -n $second
says err "merge all of them first"

# In shards: the first one has what was there.
for study in rich absorbing groups; do
  expect 0 run $study.yaml -o base.h5 --force -q --set realisations=$first
  expect 0 run $study.yaml -o long.h5 --force -q --set realisations=$second
  rm -f grown.*
  for k in 3 1 0 2; do
    expect 0 extend base.h5 -n $second -o grown.h5 --shard $k/4 -q
    expect 0 extend base.h5 -n $second -o grown.h5 --shard $k/4
    says err "complete already"
  done
  expect 8 merge -o grown.h5 grown.shard-[013]-of-4.h5 -q
  expect 0 merge -o grown.h5 grown.shard-*-of-4.h5 -q
  equal long.h5 grown.h5
done
expect 2 extend base.h5 -n $second -o none.h5 --shard 4/4 -q
expect 0 merge -o partial.h5 --allow-gaps -q rich.shard-[02]-of-3.h5
expect 2 extend partial.h5 -n $second -o none.h5 --shard 0/2 -q
says err "is partial; shards extend a complete result only"
check test ! -e none.shard-0-of-2.h5

# Stopped and continued by the same command.
write_study tiny.yaml 2^18 64
expect 0 run tiny.yaml -o first.h5 -q
limit=600
code=0
while [ $code -ne 75 ] && [ $limit -gt 0 ]; do # two sessions, both stopped; a machine that is done before has less time
  limit=$((limit / 2))
  cp first.h5 stopped.h5
  "$program" extend stopped.h5 -n 2^24 --max-time "$(as_seconds $limit)" --threads 1 >out 2>err
  cp stopped.h5 once.h5
  "$program" extend stopped.h5 -n 2^24 --max-time "$(as_seconds $limit)" --threads 1 >out 2>err
  code=$?
done
check [ $code -eq 75 ]
says err "extend stopped.h5 -n"
for file in once.h5 stopped.h5; do
  expect 0 verify $file
  says out partial
done
expect 2 extend stopped.h5 -n 2^18
says err "are fewer"
expect 0 extend stopped.h5 -n 2^24 -q
expect 0 run tiny.yaml -o long.h5 --set realisations=2^24 --force -q
equal long.h5 stopped.h5

# Refused: fewer, another tile, a partial tile, other files.
cp -p beside.h5 before.h5
expect 2 extend beside.h5 -n $first
says err "are fewer"
expect 2 extend beside.h5
expect 3 extend beside.h5 -n 2^20
says err "in tiles of 4096"
expect 0 run rich.yaml -o odd.h5 -q --set realisations=8200
expect 3 extend odd.h5 -n 12000
says err "its last tile holds 8 of"
expect 3 extend beside.h5 -n 1.5
expect 3 extend beside.h5 -n many
same beside.h5 before.h5
expect 7 extend rich.yaml -n $second
expect 5 extend nothing.h5 -n $second
report
