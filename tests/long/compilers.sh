#!/bin/sh
# tests/long/compilers.sh - every lab's solution is full, by whatever compiler it was built
LAB_DEPTH=full LAB_PARTS=compilers exec "$(dirname "$0")/../system/lab.sh"
