# results-junit.jq - JUnit XML: a suite for each exercise, a case for each check

# What XML 1.0 cannot hold at all is left out, "Characters" (2.2); the rest is escaped.
def xml: explode
  | map(select(. == 9 or . == 10 or . == 13 or (. >= 32 and . < 55296) or (. > 57343 and . < 65534) or . > 65535))
  | implode | @html;
def case($suite): "    <testcase classname=\"\($suite | xml)\" name=\"\(.name | xml)\""
  + (if .status == "pass" then "/>" else
      "><failure message=\"\("expected: " + .expected + "; got: " + .got | xml)\">\("look at: " + .look | xml)</failure></testcase>"
    end);
def suite($name; $points): select(.checks != [])
  | "  <testsuite name=\"\($name | xml)\" tests=\"\(.checks | length)\" failures=\"\([.checks[] | select(.status != "pass")] | length)\">",
    (if $points == "" then empty else
      "    <properties><property name=\"points\" value=\"\($points)\"/></properties>" end),
    (.checks[] | case($name)), "  </testsuite>";

"<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
"<testsuites name=\"lab \(.lab)\">",
(.exercises[] | suite(.id; "\(.points) of \(.max)")),
(.whole | suite("all together"; "")),
"</testsuites>"
