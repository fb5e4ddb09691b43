#!/bin/sh
# tests/long/labs.sh - every lab on every machine, with each exercise taken out and each wrong solution
LAB_DEPTH=full exec "$(dirname "$0")/../system/lab.sh"
