"""Reads the JSON lines of a comparison's runs and prints it: compare.py FILE.

A line is {"side": "ours" or "theirs", "dtype": ..., and what the run printed}.
"""
import json
import statistics
import sys

GIB = 1 << 30
runs = [json.loads(line) for line in open(sys.argv[1])]
print(f"\n{'':10}{'tokens per second, median':>34}{'':8}{'peak resident, GiB':>27}{'':8}{'planned':>9}{'':8}")
print(f"{'':10}{'ours':>12}{'peer':>12}{'ratio':>10}{'':8}{'ours':>9}{'peer':>9}{'ratio':>9}{'':8}{'GiB':>9}{'peak/plan':>11}")
for dtype in dict.fromkeys(run["dtype"] for run in runs):
    def of(side, key):
        return [run[key] for run in runs if run["dtype"] == dtype and run["side"] == side]
    ours, theirs = (statistics.median(of(side, "tokens_per_second_median")) for side in ("ours", "theirs"))
    our_peak, their_peak = (max(of(side, "peak_resident_bytes")) for side in ("ours", "theirs"))
    planned = max(of("ours", "planned_bytes"))
    print(f"{dtype:10}{ours:12.0f}{theirs:12.0f}{ours / theirs:10.2f}{'':8}"
          f"{our_peak / GIB:9.2f}{their_peak / GIB:9.2f}{our_peak / their_peak:9.2f}{'':8}"
          f"{planned / GIB:9.2f}{our_peak / planned:11.3f}")
