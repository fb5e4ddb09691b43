# shellcheck shell=sh disable=SC2034,SC2154
# QEMU's log of a machine that virtualizes: "vmexit(CODE, INFO1, INFO2, RIP)!", as the judge's reasons.
# The port of IN and OUT is in INFO1; a host's interrupt is INTR or NMI.
svm_names='
  BEGIN {
    name["00000072"] = "CPUID"; name["0000007c"] = "MSR"; name["00000081"] = "hypercall"
    name["00000400"] = "nested-fault"; name["0000007b"] = "port"; name["00000060"] = "host"
    name["00000061"] = "host"
  }'

# svm_log RUN: RUN.asm becomes RUN.log
svm_log()
{
  sed -n 's/^vmexit(\([0-9a-f]*\), \([0-9a-f]*\), .*/\1 \2/p' "$dir/$1.asm" | awk "$svm_names"'
    $1 == "0000007b" && substr($2, 9, 4) == "0080" { print "mark"; next }
    { print (($1 in name) ? name[$1] : "other-" $1) }' >"$dir/$1.log"
  rm -f "$dir/$1.asm"
}
