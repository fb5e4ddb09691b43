# compare-text.jq - build/compare.json as text: tools/compare
#
# Owns: the layout.  Every figure comes from the file.

def pad(n): tostring | . + (" " * ([n - length, 0] | max));
def lpad(n): tostring | (" " * ([n - length, 0] | max)) + .;
# 12345.6 as 12,346; small ones with a decimal.
def thousands: tostring | explode | reverse | [range(0; length) as $i
    | (if $i > 0 and $i % 3 == 0 then 44 else empty end), .[$i]] | reverse | implode;
def decimals: (. * 100 | round) as $n
  | "\($n / 100 | floor).\(($n % 100) | tostring | if length < 2 then "0" + . else . end)";
def figure:
  if . == null then "-"
  elif type != "number" then tostring
  elif . == 0 then "0"
  elif . < 100 and . == floor then tostring
  elif . < 100 then decimals
  else (round | thousands) end;
def folded(width; indent):
  reduce (split(" ")[]) as $w ([""];
    if (.[-1] | length) + ($w | length) + 1 > width then . + [$w]
    else .[-1] |= (if . == "" then $w else . + " " + $w end) end) | join("\n" + indent);

. as $all | .figures as $f | [.columns[].id] as $ids
| def row(name; values): "  " + (name | pad(38)) + ([values[] | lpad(14)] | join(""));
  def cells(section; key): [$ids[] as $c | $f[section][key][$c] | figure];
  def head(text): text, row(""; [$all.columns[].name]);
  def attempt(key; $c; $whose): $f.attack[key][$c] as $r
    | if $r == null then "-"
      elif ($r | startswith("failed")) then (if key == "neighbour" then "lives" else "no" end)
      elif key == "neighbour" then "DEAD"
      elif $whose == "machine" and ($c == "type1" or $c == "type2") then "its own"
      else "YES" end;
  .title, "=" * (.title | length), "",
  (.columns[] | "  \(.name | pad(14)) \($all.what[.id])"),
  (if $f.missing then "", "  Left out: Type 2: \($f.missing.why.type2)" else empty end),
  "", head("Instructions to get there"),
  row("from being started to its first one"; cells("boot"; "start")),
  row("from power-on to its first one"; cells("boot"; "total")),
  "", head("Instructions for one operation, all software together"),
  (.loads[] as $l | row($l.name; cells("instructions"; $l.id))),
  "", head("The same, as a ratio to the bare machine"),
  (.loads[] as $l | row($l.name; [$ids[] as $c | $f.instructions[$l.id][$c] as $v
    | $f.instructions[$l.of // $l.id].bare as $b | if $v == null or $b == null then "-" else ($v / $b | decimals) end])),
  "", head("Exits of one operation"),
  (.loads[] as $l | row($l.name; cells("exits"; $l.id))),
  "", head("Cycles of one operation on real processors: a MODEL"),
  (.model.generations[] as $g | "  \($g.name), \($g.cycles | figure) cycles for an exit and the entry after it:",
    ($all.loads[] as $l | row("  " + $l.name; [$ids[] as $c | $f.instructions[$l.id][$c] as $i
      | if $i == null then "-" else ($i * $all.model.cycles_per_instruction + ($f.exits[$l.id][$c] // 0) * $g.cycles | figure) end]))),
  "  " + (.model.note | folded(100; "  ")),
  (.model.generations[] | "  " + ("\(.name): \(.source)." | folded(100; "    "))),
  "", head("Memory, KiB"),
  row("one tenant, with its own system"; cells("memory"; "tenant")),
  row("beneath it, beside its memory"; cells("memory"; "beneath")),
  "  Type 1: the hypervisor's pages for that guest.  Type 2: the host's Linux; the process holds the guest.",
  "", head("Trusted code: what a tenant must rely on against its neighbours"),
  row("own lines"; [$ids[] as $c | $f.trusted.lines[$c] | figure]),
  row("own machine code, bytes"; [$ids[] as $c | $f.trusted.text[$c] | figure]),
  row("and the shared Linux, lines of its core"; [$ids[] as $c
    | if $c == "type1" then "none" else ($all.linux_lines.core | figure) end]),
  row("and its kernel's machine code, bytes"; [$ids[] as $c
    | if $c == "type1" then "none" else ($f.trusted["linux-text"].linux | figure) end]),
  "  " + ("Linux: \(.linux_lines.version), \(.linux_lines.note): \(.linux_lines.all | figure)." | folded(100; "  ")),
  "", head("What the same attack got from inside"),
  (.attempts[] as $a | row($a.name; [$ids[] as $c | attempt($a.id; $c; $a.whose)])),
  "  YES: what belongs to others.  its own: of its own virtual machine, which is nobody else's.",
  "", "The path of one disk write",
  (.columns[] as $c | "  \($c.name), steps: \($all.path[$c.id] | length)",
    ($all.path[$c.id] | to_entries[] | "    \(.key + 1). \(.value)")),
  "", "Hardware supported",
  (.columns[] | "  \(.name | pad(14)) \($all.hardware[.id])"),
  "", "To install and configure",
  (.columns[] as $c | "  \($c.name): steps: \($all.install[$c.id] | length); lines of configuration: \($all.install_lines[$c.id])",
    ($all.install[$c.id] | to_entries[] | "    \(.key + 1). " + (.value | folded(96; "       ")))),
  "", "What this does not show",
  (.not_shown[] | "  " + folded(100; "  "))
