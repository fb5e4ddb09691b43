# lookup.awk - the translation of $FORMAT in a catalogue of gettext's format; nothing if there is none

function unquoted(text)
{
  sub(/^[^"]*"/, "", text)
  sub(/"[ \t]*$/, "", text)
  gsub(/\\"/, "\"", text)
  gsub(/\\\\/, "\\", text)
  return text
}
function done_with()
{
  if (id == ENVIRON["FORMAT"] && string != "") {
    print string
    found = 1
    exit
  }
}
/^msgid / { done_with(); id = unquoted($0); string = ""; at = "id"; next }
/^msgstr / { string = unquoted($0); at = "string"; next }
/^"/ { if (at == "id") id = id unquoted($0); else string = string unquoted($0) }
END { if (!found) done_with() }
