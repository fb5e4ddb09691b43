# class-csv.jq - the grades in the shape that the LMS takes in again; $decimal: point or comma

def number: if $decimal == "comma" then tostring | sub("\\."; ",") else . end;
"Lab \(.lab)" as $what
| if .layout == "moodle" then
    ["Identifier", "Full name", "Email address", "Grade"],
    (.students[] | ["Participant \(.path | capture("_(?<n>[0-9]+)_assignsubmission").n)", .name, .email, (.grade | number)])
  elif .layout == "canvas" then
    ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", $what],
    (.students[] | [.name, .canvas_id, .id, .email, "", (.grade | number)])
  elif .layout == "gradescope" then
    ["Name", "SID", "Email", "Total Score", "Max Points"],
    (.scale as $scale | .students[] | [.name, .id, .email, (.grade | number), $scale])
  else
    ["id", "name", "email", "grade"], (.students[] | [.id, .name, .email, (.grade | number)])
  end
| @csv
