package main

import "testing"

// Files of one name are told apart, and each is loaded by an expression of its own,
// whatever Python makes of the name in a text.
func TestFilesOfOneNameAreLoadedEach(t *testing.T) {
	for _, name := range []string{"stores", `it's a "st\ore" 店　é`} {
		t.Run(name, func(t *testing.T) {
			s := start(t, "", withModel(t, python(`
import mark
for f in mark.files():
    print(f["rows"], len(mark.dataset(f["name"])))`), says("done")))
			ada := s.signUp("ada@example.org")
			var all []string
			for _, content := range []string{"a\n1\n", "a\n1\n2\n", "a\n1\n2\n3\n"} {
				id := ada.upload(name+".csv", []byte(content)).str("uploadDataset", "dataset", "id")
				ada.profiled(id)
				all = append(all, id)
			}
			_, run := ada.ask("", "How many rows?", all...)
			if out, complaint := ada.printed(run); out != "1 1\n2 2\n3 3" {
				t.Errorf("rows as they are, and as they are loaded:\n%s\n%s", out, complaint)
			}
		})
	}
}
