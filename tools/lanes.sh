#!/bin/sh
# lanes.sh LANES COMMAND… <ITEMS: runs COMMAND ITEM for each line of the input, so many side by side.
# What one prints is shown whole when it has ended. Fails if one failed, and tells which.
lanes=$1
shift
LANES_KEPT=$(mktemp -d)
export LANES_KEPT
trap 'rm -rf "$LANES_KEPT"' EXIT
trap 'exit 1' INT TERM
xargs -P "$lanes" -I ITEM sh -c '
  item=$1 log=$LANES_KEPT/$$
  shift
  export LANE_TEST="$log.test" # where spec/support/helper.lua notes what runs
  echo "-- $item" >"$log"
  timeout -k 10 600 "$@" "$item" >>"$log" 2>&1
  status=$?
  [ $status != 124 ] || echo "$item: stopped after 600 seconds, in: $(cat "$LANE_TEST" 2>/dev/null)" >>"$log"
  [ $status = 0 ] || echo "$item: failed with exit status $status" >>"$log"
  flock "$LANES_KEPT" cat "$log"
  [ $status = 0 ]' - ITEM "$@"
