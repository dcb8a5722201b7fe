package figure

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestCleanTakesOutWhatFetches(t *testing.T) {
	const evil = "https://evil.example/x"
	for name, fig := range map[string]string{
		"layout image":       `{"data":[],"layout":{"images":[{"source":"` + evil + `"}]}}`,
		"protocol relative":  `{"data":[],"layout":{"images":[{"source":"//evil.example/x"}]}}`,
		"svg data":           `{"data":[],"layout":{"images":[{"source":"data:image/svg+xml;base64,PHN2Zz4=","x":"evil.example"}]}}`,
		"image trace":        `{"data":[{"type":"image","source":"` + evil + `"}]}`,
		"map style":          `{"data":[],"layout":{"map":{"style":"` + evil + `"}}}`,
		"mapbox layer":       `{"data":[],"layout":{"mapbox":{"layers":[{"source":["` + evil + `"]}]}}}`,
		"geojson":            `{"data":[{"type":"choropleth","geojson":"` + evil + `"}]}`,
		"template":           `{"data":[],"layout":{"template":{"layout":{"images":[{"source":"` + evil + `"}]}}}}`,
		"frame":              `{"data":[],"frames":[{"layout":{"images":[{"source":"` + evil + `"}]}}]}`,
		"button, object":     `{"data":[],"layout":{"updatemenus":[{"buttons":[{"args":[{"images[0].source":"` + evil + `"}]}]}]}}`,
		"button, positional": `{"data":[],"layout":{"updatemenus":[{"buttons":[{"args":["images[0].source","` + evil + `"]}]}]}}`,
		"slider":             `{"data":[],"layout":{"sliders":[{"steps":[{"args":[{"mapbox.style":"` + evil + `"}]}]}]}}`,
		"link in a text":     `{"data":[],"layout":{"title":{"text":"<a href='` + evil + `'>x</a>"}}}`,
		"config":             `{"data":[],"config":{"plotlyServerURL":"` + evil + `"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Clean(json.RawMessage(fig))
			if err != nil {
				t.Fatal(err)
			}
			if s := string(got); strings.Contains(s, evil) || strings.Contains(s, "svg") || strings.Contains(s, `"source":"//`) {
				t.Errorf("kept: %s", s)
			}
		})
	}
}

func TestCleanKeepsCharts(t *testing.T) {
	fig := `{"data":[{"type":"bar","x":["https://a.example","b"],"y":[1.50,2e3],"link":{"source":[0,1]}}],` +
		`"layout":{"title":{"text":"<b>Sales</b> & costs"},"images":[{"source":"data:image/png;base64,aGk="}],"font":{"style":"italic"}}}`
	got, err := Clean(json.RawMessage(fig))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"https://a.example"`, `1.50`, `2e3`, `[0,1]`, `data:image/png;base64,aGk=`, `"italic"`, `<b>Sales</b> & costs`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("%s is gone from %s", want, got)
		}
	}
	if title := Title(got); title != "Sales  & costs" {
		t.Errorf("title = %q", title)
	}
}

func TestCleanRefusesOtherThings(t *testing.T) {
	for _, raw := range []string{``, `[]`, `{}`, `{"data":{}}`, `{"data":null}`, `"x"`, `{"data":[`} {
		if _, err := Clean(json.RawMessage(raw)); !errors.Is(err, ErrNoFigure) {
			t.Errorf("Clean(%s): %v", raw, err)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add(`{"data":[{"x":[1]}],"layout":{"images":[{"source":"http://x"}]}}`)
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := Clean(json.RawMessage(raw))
		if err != nil {
			return
		}
		again, err := Clean(got)
		if err != nil || string(again) != string(got) {
			t.Fatalf("cleaning twice differs: %s, then %s (%v)", got, again, err)
		}
	})
}
