package program

import (
	"regexp"
	"strings"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// loadForm is what the expression that loads a data set looks like: one call of
// a pandas reader whose arguments are literals.
var loadForm = regexp.MustCompile(`^pd\.read_[a-z_]+\((?:[\w\s,=.\-+\[\]{}:()]|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')*\)$`)

// readers are pandas' readers by the ending of a file's name.
var readers = map[string]string{
	"csv": "pd.read_csv(%)", "tsv": `pd.read_csv(%, sep="\t")`, "parquet": "pd.read_parquet(%)",
	"xlsx": "pd.read_excel(%)", "json": "pd.read_json(%)", "jsonl": "pd.read_json(%, lines=True)", "ndjson": "pd.read_json(%, lines=True)",
}

// Load returns the expression that loads d: the profile's own, if it looks like
// one, else the reader that the file's name suggests.
func Load(d question.Dataset) string {
	if e := strings.TrimSpace(d.Load); loadForm.MatchString(e) {
		return e
	}
	ending := strings.ToLower(d.File[strings.LastIndexByte(d.File, '.')+1:])
	reader, ok := readers[ending]
	if !ok {
		reader = readers["csv"]
	}
	return strings.Replace(reader, "%", literal("/mnt/data/"+d.File), 1)
}

// lenient makes a reader of text files skip lines and characters that it cannot
// read.
func lenient(expression string) string {
	if !strings.HasPrefix(expression, "pd.read_csv(") || strings.Contains(expression, "on_bad_lines") {
		return expression
	}
	return strings.TrimSuffix(expression, ")") + `, on_bad_lines="skip", encoding_errors="replace")`
}
