package kernel

import (
	"archive/zip"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// mediaTypeOf returns what a file is by its content. Only where the content
// is plain text, and so harmless whatever it is called, does the name refine it.
func mediaTypeOf(path, name string) (string, error) {
	found, err := mimetype.DetectFile(path)
	if err != nil {
		return "", fmt.Errorf("look at an artifact: %w", err)
	}
	mediaType, _, _ := strings.Cut(found.String(), ";")
	switch mediaType {
	case "text/plain":
		switch strings.ToLower(filepath.Ext(name)) {
		case ".csv":
			return "text/csv", nil
		case ".tsv":
			return "text/tab-separated-values", nil
		case ".md":
			return "text/markdown", nil
		}
	case "application/zip":
		// The detector looks at the first entries; libraries put them in any order.
		if office := officeType(path); office != "" {
			return office, nil
		}
	}
	return mediaType, nil
}

// officeType returns the type of an Office Open XML file by its main part
// (ECMA-376), or "" where the ZIP file is none.
func officeType(path string) string {
	z, err := zip.OpenReader(path)
	if err != nil {
		return ""
	}
	defer z.Close()
	const office = "application/vnd.openxmlformats-officedocument."
	for _, f := range z.File {
		switch f.Name {
		case "xl/workbook.xml":
			return office + "spreadsheetml.sheet"
		case "word/document.xml":
			return office + "wordprocessingml.document"
		case "ppt/presentation.xml":
			return office + "presentationml.presentation"
		}
	}
	return ""
}
