// Package figure makes Plotly figures that came out of untrusted code fit to be
// drawn in a person's browser: what would make the browser fetch an address of
// the code's choosing is taken out, wherever it stands, templates, frames and
// the arguments of buttons and sliders included.
//
// The attributes of plotly.js that fetch are known and few (its attribute
// reference, https://plotly.com/javascript/reference/): the source of layout
// images and of image traces, the style and layers of maps, and geojson. They
// are matched by name at any depth, since a figure can also set them through a
// path ("images[0].source") in a button's arguments. A map's style can also be
// written out, with sources of its own: those go as a whole.
//
// The HTML that plotly.js draws in texts has two ways out: links, and CSS in the
// style of a tag. It is drawn after values were put in for %{…}, so tags that are
// put together of such values go too.
package figure

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrNoFigure says that a value has not the shape of a Plotly figure.
var ErrNoFigure = errors.New("figure: not an object with a list named data")

// figure is what is kept of one. Its config is the page's business.
type figure struct {
	Data   []any          `json:"data"`
	Layout map[string]any `json:"layout"`
	Frames []any          `json:"frames,omitempty"`
}

var (
	// inlineImage is the one kind of address that fetches nothing.
	inlineImage = regexp.MustCompile(`^data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*$`)
	// anchor is a link in the HTML that Plotly allows in texts.
	anchor = regexp.MustCompile(`(?i)</?a\b[^>]*>?`)
	// styled is a tag with CSS, and colour the functions that CSS has for colours.
	styled = regexp.MustCompile(`(?i)<[^<>]*\bstyle\b[^<>]*>?`)
	colour = regexp.MustCompile(`(?i)\b(?:rgb|hsl)a?\([\d\s.,%/]*\)`)
	// made is a tag, or the beginning of one, that a value is put into.
	made = regexp.MustCompile(`<[^<>]*%\{[^<>]*>?|(?:</?)+$`)
	// address is what a browser could take for one.
	address = regexp.MustCompile(`(?i)^[\s\x00-\x20]*([a-z][a-z0-9+.\-]*:|//|/\\|\\\\)`)
)

// Clean returns the figure without what fetches. Numbers keep their spelling.
// The error is ErrNoFigure, or says that raw is not JSON.
func Clean(raw json.RawMessage) (json.RawMessage, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var f figure
	if err := dec.Decode(&f); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoFigure, err)
	}
	if f.Data == nil {
		return nil, ErrNoFigure
	}
	f.Data, _ = clean("data", f.Data).([]any)
	f.Frames, _ = clean("frames", f.Frames).([]any)
	f.Layout, _ = clean("layout", f.Layout).(map[string]any)
	if f.Layout == nil {
		f.Layout = map[string]any{}
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(f); err != nil {
		return nil, fmt.Errorf("figure: encode: %w", err)
	}
	return bytes.TrimRight(out.Bytes(), "\n"), nil
}

// Title returns the figure's title as plain text; "" when it has none.
func Title(raw json.RawMessage) string {
	var f struct {
		Layout struct {
			Title json.RawMessage `json:"title"`
		} `json:"layout"`
	}
	if json.Unmarshal(raw, &f) != nil {
		return ""
	}
	var text string
	if json.Unmarshal(f.Layout.Title, &text) != nil {
		var title struct {
			Text string `json:"text"`
		}
		if json.Unmarshal(f.Layout.Title, &title) == nil {
			text = title.Text
		}
	}
	return strings.TrimSpace(tag.ReplaceAllString(text, " "))
}

var tag = regexp.MustCompile(`<[^>]*>`)

// clean cleans the value that stands under a name; what has to go becomes nil.
func clean(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		if name == "style" {
			return nil
		}
		for key, inner := range v {
			kept := clean(attribute(key), inner)
			if kept == nil && inner != nil {
				delete(v, key)
				continue
			}
			v[key] = kept
		}
	case []any:
		for i, inner := range v {
			under := name
			if path, ok := before(v, i); ok && (name == "args" || name == "args2") {
				under = attribute(path) // ["map.style", …] sets it
			}
			v[i] = clean(under, inner)
		}
	case string:
		return cleanText(name, v)
	}
	return v
}

func cleanText(name, s string) any {
	switch name {
	case "source":
		if !inlineImage.MatchString(s) {
			return nil
		}
		return s
	case "style", "geojson":
		// A map's style is a name of tiles on somebody's server, or an
		// address. Other attributes called style have no such values.
		if name == "geojson" || address.MatchString(s) || tiles[s] {
			return nil
		}
	case "args", "args2", "href", "url", "urls", "src", "sourcetype", "accesstoken", "tiles", "glyphs", "sprite", "data":
		if address.MatchString(s) || tiles[s] {
			return nil
		}
	}
	return cleanHTML(s)
}

// cleanHTML takes links, CSS that could fetch and tags that are put together out of
// a text. Nothing is left of one that is made to have a tag again when another
// is taken out of it.
func cleanHTML(s string) string {
	if !strings.Contains(s, "<") {
		return s
	}
	once := stripTags(s)
	if stripTags(once) != once {
		return ""
	}
	return once
}

func stripTags(s string) string {
	s = styled.ReplaceAllStringFunc(s, func(tag string) string {
		if strings.ContainsAny(colour.ReplaceAllString(tag, ""), `(\&@`) {
			return ""
		}
		return tag
	})
	return made.ReplaceAllString(anchor.ReplaceAllString(s, ""), "")
}

// before is the text before an element of a list.
func before(list []any, i int) (string, bool) {
	if i == 0 {
		return "", false
	}
	s, ok := list[i-1].(string)
	return s, ok
}

// tiles are the styles of maps that fetch from a server; those that are left
// out here need a key that nobody can give.
var tiles = map[string]bool{
	"open-street-map": true, "carto-positron": true, "carto-darkmatter": true, "carto-voyager": true,
	"carto-positron-nolabels": true, "carto-darkmatter-nolabels": true, "carto-voyager-nolabels": true,
	"stamen-terrain": true, "stamen-toner": true, "stamen-watercolor": true,
	"basic": true, "streets": true, "outdoors": true, "light": true, "dark": true,
	"satellite": true, "satellite-streets": true,
}

// attribute is the last name of a path such as "images[0].source".
func attribute(path string) string {
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		path = path[i+1:]
	}
	if i := strings.IndexByte(path, '['); i >= 0 {
		path = path[:i]
	}
	return path
}
