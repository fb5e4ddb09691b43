# Lines of C or assembly that are neither blank nor only comment.
{
	line = $0
	out = ""
	while (line != "") {
		if (inside) {
			at = index(line, "*/")
			if (!at)
				break
			line = substr(line, at + 2)
			inside = 0
			continue
		}
		at = index(line, "/*")
		slash = index(line, "//")
		if (slash && (!at || slash < at)) {
			out = out substr(line, 1, slash - 1)
			break
		}
		if (!at) {
			out = out line
			break
		}
		out = out substr(line, 1, at - 1)
		line = substr(line, at + 2)
		inside = 1
	}
	if (out ~ /[^ \t]/)
		n++
}
FNR == 1 { inside = 0 }
END { print n + 0 }
