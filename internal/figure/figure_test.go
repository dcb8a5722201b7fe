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
		"layout image":        `{"data":[],"layout":{"images":[{"source":"` + evil + `"}]}}`,
		"protocol relative":   `{"data":[],"layout":{"images":[{"source":"//evil.example/x"}]}}`,
		"svg data":            `{"data":[],"layout":{"images":[{"source":"data:image/svg+xml;base64,PHN2Zz4=","x":"evil.example"}]}}`,
		"image trace":         `{"data":[{"type":"image","source":"` + evil + `"}]}`,
		"map style":           `{"data":[],"layout":{"map":{"style":"` + evil + `"}}}`,
		"mapbox layer":        `{"data":[],"layout":{"mapbox":{"layers":[{"source":["` + evil + `"]}]}}}`,
		"geojson":             `{"data":[{"type":"choropleth","geojson":"` + evil + `"}]}`,
		"template":            `{"data":[],"layout":{"template":{"layout":{"images":[{"source":"` + evil + `"}]}}}}`,
		"frame":               `{"data":[],"frames":[{"layout":{"images":[{"source":"` + evil + `"}]}}]}`,
		"button, object":      `{"data":[],"layout":{"updatemenus":[{"buttons":[{"args":[{"images[0].source":"` + evil + `"}]}]}]}}`,
		"button, positional":  `{"data":[],"layout":{"updatemenus":[{"buttons":[{"args":["images[0].source","` + evil + `"]}]}]}}`,
		"slider":              `{"data":[],"layout":{"sliders":[{"steps":[{"args":[{"mapbox.style":"` + evil + `"}]}]}]}}`,
		"link in a text":      `{"data":[],"layout":{"title":{"text":"<a href='` + evil + `'>x</a>"}}}`,
		"a style written out": `{"data":[],"layout":{"map":{"style":{"version":8,"sources":{"x":{"type":"raster","tiles":["` + evil + `"]}},"sprite":"` + evil + `"}}}}`,
		"layer's source":      `{"data":[],"layout":{"map":{"layers":[{"source":{"type":"raster","tiles":["` + evil + `"]}}]}}}`,
		"layer's data":        `{"data":[],"layout":{"map":{"layers":[{"source":{"type":"geojson","data":"` + evil + `"}}]}}}`,
		"button, a style":     `{"data":[],"layout":{"updatemenus":[{"buttons":[{"args":["map.style",{"sources":{"x":{"url":"` + evil + `"}}}]}]}]}}`,
		"geojson's texts":     `{"data":[{"geojson":{"features":[{"properties":{"n":"<a href='` + evil + `'>"}}]}}]}`,
		"link in a link":      `{"data":[{"text":["<<a>a href='` + evil + `'>x"]}]}`,
		"style of a tag":      `{"data":[{"text":["<span style='mask:url(` + evil + `)'>x</span>"]}]}`,
		"style, escaped":      `{"data":[{"text":["<b style='mask:u\\72l(` + evil + `)'>x</b>"]}]}`,
		"style, entities":     `{"data":[{"text":["<b style='mask:url&#40;` + evil + `)'>x</b>"]}]}`,
		"style, unfinished":   `{"data":[{"text":["<b style='mask:url(` + evil + `)'"]}]}`,
		"made of values":      `{"data":[{"texttemplate":"<%{customdata} href='` + evil + `'>x"}]}`,
		"config":              `{"data":[],"config":{"plotlyServerURL":"` + evil + `"}}`,
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
		`"layout":{"title":{"text":"<b>Sales</b> & costs"},"images":[{"source":"data:image/png;base64,aGk="}],"font":{"style":"italic"},` +
		`"annotations":[{"text":"<span style='color:rgba(1,2,3,0.5)'>%{y} < 5</span>"}]}}`
	got, err := Clean(json.RawMessage(fig))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"https://a.example"`, `1.50`, `2e3`, `[0,1]`, `data:image/png;base64,aGk=`, `"italic"`, `<b>Sales</b> & costs`, `<span style='color:rgba(1,2,3,0.5)'>%{y} < 5</span>`} {
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
