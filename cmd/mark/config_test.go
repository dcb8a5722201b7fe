package main

import (
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// The table of settings in README.md has all that there are.
func TestEverySettingIsInTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	parser, err := kong.New(&struct{ Config }{})
	if err != nil {
		t.Fatal(err)
	}
	settings := 0
	for _, flags := range parser.Model.AllFlags(true) {
		for _, flag := range flags {
			for _, name := range flag.Envs {
				settings++
				if !strings.Contains(string(readme), "`"+name+"`") {
					t.Errorf("%s is not in it", name)
				}
			}
		}
	}
	if settings < 30 {
		t.Errorf("only %d settings were looked for", settings)
	}
}
