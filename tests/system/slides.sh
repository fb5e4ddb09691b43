#!/bin/sh
# tests/system/slides.sh - the lectures can be read by everybody and fit, as TAP
#
# Of each deck: language, headings, texts for pictures, nothing from the network, nothing cut off, timed
# notes, two questions; the Spanish one has the same slides and the glossary's words; the PDF is tagged.
# shellcheck source=tests/system/lib.sh disable=SC2317,SC2016
. "$(dirname "$0")/lib.sh"

MINUTES=50
work=$build/slides-test
mkdir -p "$work"

for tool in pandoc dot; do
  command -v "$tool" >/dev/null || {
    echo "1..0 # SKIP no $tool: make slides installs it"
    exit 0
  }
done
chrome=$(command -v chromium || command -v chromium-browser || command -v google-chrome)

# make_html SOURCE: into $html.
make_html() { slides/render html "$1" "$html"; }

count() { grep -o "$1" "$html" | grep -c .; }

language()
{
  case $1 in *.es.md) lang=es ;; *) lang=en ;; esac
  grep -q "^<html lang=\"$lang\">" "$html"
}

# One h1, then h2s; nothing deeper without what is above it.
headings()
{
  grep -o '<h[1-6]' "$html" | tr -dc '1-6\n' | awk '
    NR == 1 && $1 != 1 { print "the first heading is h" $1; bad = 1 }
    NR > 1 && $1 == 1 { print "a second h1"; bad = 1 }
    NR > 1 && $1 > last + 1 { print "h" $1 " after h" last; bad = 1 }
    { last = $1 }
    END { exit bad || NR < 2 }'
}

alternatives()
{
  tr '\n' ' ' <"$html" | grep -o '<img [^>]*>' | cut -c 1-100000 | sed 's/src="[^"]*"//' >"$work/images"
  [ -s "$work/images" ] && ! grep -v 'alt="[^"][^"][^"][^"]*' "$work/images"
}

# Namespaces of SVG are names, not addresses, and pictures are encoded.
offline() { ! grep -o -E '(src|href)="(https?:)?//[^"]*"|url\(["'\'']?https?:[^)]*' "$html"; }

# Each slide has notes that begin with its minutes; all of them are the lecture.
timed()
{
  awk -v all="$MINUTES" '
    /^## / { if (slide && !minutes) { print "no minutes: " slide; bad = 1 } slide = $0; minutes = 0 }
    match($0, /^\*\*[0-9]+ min\.\*\* /) { minutes = substr($0, 3) + 0; sum += minutes }
    END {
      if (!minutes) { print "no minutes: " slide; bad = 1 }
      if (sum != all) { print sum " minutes, not " all; bad = 1 }
      exit bad
    }' "$1"
}

questions() { [ "$(grep -c '^::: question$' "$1")" -eq 2 ] && [ "$(grep -c '^::: answer$' "$1")" -eq 2 ]; }

# What a slide consists of, without its words.
shape() { grep -o -E '^(## |@code .*|::: [a-z]+|``` \{\.dot)' "$1" | sed 's/^## .*/##/'; }
same_shape()
{
  shape "$1" >"$work/one"
  shape "$2" >"$work/two"
  diff "$work/one" "$work/two"
}

# The glossary's English terms whose Spanish is another word, as one pattern, and words that it does not want either.
unwanted()
{
  awk -F '|' '
    /^\| [a-z]/ {
      english = $2; sub(/\(.*\)/, "", english)
      n = split(english, term, ",")
      for (i = 1; i <= n; i++) {
        gsub(/^ +| +$/, "", term[i])
        if (term[i] != "" && !index($3, term[i])) printf "%s%ss?", all++ ? "|" : "", term[i]
      }
    }
    END { print "|invitad[oa]s?|pagefaults?|labs?" }' docs/glossary.md
}

# The text that somebody reads: no code, no quotations (of titles, mostly), a paragraph a line.
prose()
{
  sed -E -e 's/^((sub)?title|description): "(.*)"$/\1: \3/' -e '/^```/,/^```$/d' -e '/^    /d' -e '/^@code/d' -e 's/^@bench [^|]*\|//' -e 's/<!--[^>]*-->//' "$1" |
    awk '/^[ \t]*$/ || /^[*|#:]/ { if (text != "") print text; text = "" } { text = text " " $0 } END { print text }' |
    sed -e 's/`[^`]*`//g' -e 's/"[^"]*"//g' -e 's/«[^»]*»//g' -e 's/]([^)]*)//g'
}

glossary()
{
  [ "$(unwanted | tr '|' '\n' | grep -c .)" -gt 60 ] || { echo 'docs/glossary.md was not understood' && return 1; }
  prose "$1" | LC_ALL=C.UTF-8 grep -o -i -E "(^|.{0,40}[^[:alnum:]_./>-])($(unwanted))([^[:alnum:]_./(=-].{0,40}|\\.( .{0,40})?\$|\$)" >"$work/words"
  cat "$work/words"
  [ ! -s "$work/words" ]
}

# The check itself can fail: a word of the list, an English one, a quotation over two lines that may stay.
glossary_is_seen()
{
  printf '%s\n' 'El *guest* espera.' '' 'Un page fault más.' '' 'Se lee en "The' 'Guest and its Host" que no.' >"$work/words.md"
  glossary "$work/words.md" >"$work/words.out" && return 1
  cat "$work/words.out"
  [ "$(grep -c . "$work/words.out")" -eq 2 ]
}

fits() { slides/render overflow "$html"; }

# The measurement itself can fail.
overflow_is_seen()
{
  {
    printf -- '---\ntitle: T\nlang: en\n---\n\n## Fits\n\nOne line.\n\n## Overflows\n\n'
    n=0
    while [ "$n" -lt 40 ]; do
      printf '* line %s\n' "$n"
      n=$((n + 1))
    done
  } >"$work/long.md"
  slides/render html "$work/long.md" "$work/long.html" || return 1
  slides/render overflow "$work/long.html" >"$work/long.out" && return 1
  cat "$work/long.out"
  [ "$(cat "$work/long.out")" = overflows ]
}

pdf()
{
  slides/render pdf "$html" "$work/deck.pdf" || return 1
  pages=$(grep -a -o '/Count [0-9]*' "$work/deck.pdf" | sort -t ' ' -k 2 -n | tail -n 1)
  [ "$pages" = "/Count $(($(grep -c '^## ' "$1") + 1))" ] || {
    echo "pages: $pages, slides: $(grep -c '^## ' "$1") and a title"
    return 1
  }
}

# Colours of the style, as the reader sees them: 4.5 to 1 at least (WCAG 2, "Contrast (Minimum)").
contrast()
{
  awk -v pairs="$1" '
    function part(s, c) { c = hex(substr(s, 1, 1)) * 16 + hex(substr(s, 2, 1)); c /= 255
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ^ 2.4 }
    function hex(c) { return index("0123456789abcdef", c) - 1 }
    function light(s) {
      if (length(s) == 3) s = substr(s, 1, 1) substr(s, 1, 1) substr(s, 2, 1) substr(s, 2, 1) substr(s, 3, 1) substr(s, 3, 1)
      return 0.2126 * part(substr(s, 1, 2)) + 0.7152 * part(substr(s, 3, 2)) + 0.0722 * part(substr(s, 5, 2)) }
    BEGIN {
      n = split(pairs, p, " ")
      for (i = 1; i <= n; i++) {
        split(p[i], c, "/"); a = light(c[1]) + 0.05; b = light(c[2]) + 0.05
        if (a < b) { t = a; a = b; b = t }
        if (a / b < 4.5) { print p[i] ": " a / b; bad = 1 }
      }
      exit bad
    }' </dev/null
}

# Every text colour of the template on every ground it stands on.
colours()
{
  grounds=$(grep -o 'background: #[0-9a-f]*' slides/template.html | cut -d '#' -f 2 | sort -u)
  pairs=
  for ground in $grounds; do
    case $ground in
    0b3a63 | 1b1b1b) inks=fff ;;
    *) inks="1b1b1b 0b3a63 444" ;;
    esac
    for one in $inks; do pairs="$pairs $one/$ground"; done
  done
  contrast "$pairs"
}

# DECKS='00-toolbox 05-memory' for some decks.
for source in slides/*/slides*.md; do
  name=${source#slides/}
  case " ${DECKS:-${name%%/*}} " in *" ${name%%/*} "*) ;; *) continue ;; esac
  html=$work/$(echo "${name%.md}" | tr / -).html
  check "$name: becomes HTML" make_html "$source"
  check "$name: says its language" language "$source"
  check "$name: headings in order" headings
  check "$name: each picture has a text" alternatives
  check "$name: needs no network" offline
  check "$name: each slide has its minutes, $MINUTES in all" timed "$source"
  check "$name: two questions with answers" questions "$source"
  if [ -n "$chrome" ]; then
    check "$name: nothing overflows" fits
    check "$name: becomes a PDF of a page each" pdf "$source"
    check "$name: the PDF is tagged" grep -a -q StructTreeRoot "$work/deck.pdf"
  else
    skip "$name: overflow and PDF" 'no Chromium: make slides installs it'
  fi
  case $source in
  *.es.md)
    check "$name: the same slides as in English" same_shape "${source%.es.md}.md" "$source"
    check "$name: the glossary's words" glossary "$source"
    ;;
  *) check "$name: there is a Spanish one" test -f "${source%.md}.es.md" ;;
  esac
done
for document in labs/*/README.es.md docs/claims.es.md; do
  check "$document: the glossary's words" glossary "$document"
done
# Of a viva what is asked; its patterns are what a machine prints.
for document in labs/*/viva.es; do
  sed 's/.*|//' "$document" >"$work/viva"
  check "$document: the glossary's words" glossary "$work/viva"
done
check 'the colours have contrast' colours
check 'an English word where the glossary has a Spanish one is found' glossary_is_seen
[ -z "$chrome" ] || check 'a slide that overflows is found' overflow_is_seen
rm -rf "$work"
finish
