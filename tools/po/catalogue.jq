# catalogue.jq - catalogues of gettext's format, their entries one line each, as an object
[[inputs | split("\n") | . as $line | range(1; length)
  | select(($line[. - 1] | startswith("msgid \"")) and ($line[.] | startswith("msgstr \"")))
  | [$line[. - 1][6:], $line[.][7:]] | map(fromjson)][] | select(.[0] != "" and .[1] != "") | {key: .[0], value: .[1]}] | from_entries
