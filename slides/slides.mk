# slides.mk - the lectures: slides/NN-name/slides*.md to HTML and PDF
#
# $(B)/slides/NN-name/slides.html (slides.es.html) works offline and alone: text, pictures, style
# and code are in the one file.  Arrow keys turn pages, n shows the notes.

SLIDE_SOURCES := $(wildcard slides/*/slides*.md)
SLIDE_HTML := $(SLIDE_SOURCES:slides/%.md=$(B)/slides/%.html)
SLIDE_PDF := $(SLIDE_HTML:.html=.pdf)

.PHONY: slides slides-html
slides: $(SLIDE_HTML) $(SLIDE_PDF) ## the lectures: HTML that works offline, and PDF
slides-html: $(SLIDE_HTML)

# The code on the slides is the tree's own, so they change with it: a deck depends on the files that its lines @code name.
SLIDE_CODE := $(sort $(shell awk '/^@code / { print FILENAME ":" $$2 }' $(SLIDE_SOURCES) </dev/null))
$(foreach code,$(SLIDE_CODE),$(eval \
	$(patsubst slides/%.md,$(B)/slides/%.html,$(firstword $(subst :, ,$(code)))): $(lastword $(subst :, ,$(code)))))

$(SLIDE_HTML): $(B)/slides/%.html: slides/%.md slides/render slides/template.html docs/bench.json
	$(call say,SLIDES,$@)
	$(Q)slides/render html $< $@

$(SLIDE_PDF): %.pdf: %.html
	$(call say,PDF,$@)
	$(Q)slides/render pdf $< $@
