# results-tap.jq - TAP 13, one line a check, with what was expected and got where one failed

def title: gsub("\\\\"; "\\\\") | gsub("#"; "\\#");
[(.exercises[] | .id as $id | .checks[] | .name |= "\($id) \(.)"),
 (.whole.checks[] | .name |= "all together: \(.)")] as $checks
| "TAP version 13", "1..\($checks | length)",
  ($checks | to_entries[] | .value as $c
   | "\(if $c.status == "pass" then "ok" else "not ok" end) \(.key + 1) - \($c.name | title)",
     (if $c.status == "pass" then empty else
        "  ---", "  expected: \($c.expected | @json)", "  got: \($c.got | @json)", "  look: \($c.look | @json)", "  ..."
      end)),
  "# lab \(.lab) on \(.machine): \(.score) of \(.max) points"
