package profile_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/datasets/profile"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

type tableTest struct {
	upload
	format  string
	rows    int64
	columns []string
	code    string // the LoadCode; "": not compared
	note    string // a part of a note; "": no notes
	check   func(t *testing.T, p profile.Profile)
}

func in(e encoding.Encoding, text string) string {
	b, err := e.NewEncoder().String(text)
	if err != nil {
		panic(err)
	}
	return b
}

func utf16LE(text string) string {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, utf16.Encode([]rune(text)))
	return b.String()
}

const (
	french   = "prénom;âge\nZoé;31\nAndré;42\nMaël;7\n"
	japan    = "都市,人口,メモ\n東京,14000000,首都です\n大阪,8800000,たこやき\n京都,1400000,お寺\n"
	china    = "城市,人口\n北京,21890000\n上海,24870000\n广州,18680000\n"
	penguins = "species,island,bill_length_mm,body_mass_g,sex\nAdelie,Torgersen,39.1,3750,male\nAdelie,Torgersen,39.5,3800,female\nGentoo,Biscoe,,,\nChinstrap,Dream,49.5,3800,\n"
)

func tableTests() []tableTest {
	french2 := []string{"prénom STRING", "âge INTEGER"}
	return []tableTest{
		{upload: upload{name: "penguins.csv", text: penguins}, format: "CSV", rows: 4,
			columns: []string{"species STRING", "island STRING", "bill_length_mm FLOAT", "body_mass_g INTEGER", "sex STRING"},
			code:    "pd.read_csv('penguins.csv')",
			check: func(t *testing.T, p profile.Profile) {
				want := profile.Column{
					Name: "body_mass_g", OriginalName: "body_mass_g", Type: "INTEGER", NullCount: 1, DistinctCount: 2,
					Min: "3750", Max: "3800", Samples: []string{"3750", "3800"},
				}
				if diff := cmp.Diff(want, p.Columns[3]); diff != "" {
					t.Errorf("the column differs (-want +got):\n%s", diff)
				}
				row := []any{"Gentoo", "Biscoe", nil, nil, nil}
				if diff := cmp.Diff(row, p.Sample.Rows[2]); diff != "" || p.Sample.Truncated || p.Encoding != "utf-8" || !p.HasHeader {
					t.Errorf("the sample's row differs (-want +got):\n%s", diff)
				}
			}},
		{upload: upload{name: "misnamed.xlsx", text: "a\tb\n1\tx\n"}, format: "TSV", rows: 1, columns: []string{"a INTEGER", "b STRING"}},
		{upload: upload{name: "pipe.txt", text: "a|b\n1|x\n2|y\n"}, format: "CSV", rows: 2, columns: []string{"a INTEGER", "b STRING"},
			code: "pd.read_csv('pipe.txt', sep='|')"},
		{upload: upload{name: "german.csv", text: "Stadt;Preis;Datum\nKöln;1.234,50;31.01.2024\nBonn;9,99;01.02.2024\n"}, format: "CSV", rows: 2,
			columns: []string{"Stadt STRING", "Preis FLOAT", "Datum DATE"}, note: "decimal comma"},
		{upload: upload{name: "comma.csv", text: "Stadt;Preis;Menge\nKöln;1.234,50;1\nBonn;9,99;2\n"}, format: "CSV", rows: 2,
			columns: []string{"Stadt STRING", "Preis FLOAT", "Menge INTEGER"}, note: "decimal comma",
			code: "pd.read_csv('comma.csv', sep=';', decimal=',', thousands='.')",
			check: func(t *testing.T, p profile.Profile) {
				if p.Columns[1].Max != "1234.5" {
					t.Errorf("the most is %s", p.Columns[1].Max)
				}
			}},
		{upload: upload{name: "thousands.csv", text: "k,n\na,\"1,234\"\nb,\"12,345,678\"\n"}, format: "CSV", rows: 2,
			columns: []string{"k STRING", "n INTEGER"}, code: "pd.read_csv('thousands.csv', thousands=',')"},
		{upload: upload{name: "groups.csv", text: "k;n\na;1,234.5\nb;12,345,678\n"}, format: "CSV", rows: 2,
			columns: []string{"k STRING", "n FLOAT"}, code: "pd.read_csv('groups.csv', sep=';', thousands=',')"},
		{upload: upload{name: "decimals.csv", text: "k,n\na,\"1,5\"\nb,\"2,25\"\n"}, format: "CSV", rows: 2,
			columns: []string{"k STRING", "n FLOAT"}, code: "pd.read_csv('decimals.csv', decimal=',')", note: "decimal comma"},
		{upload: upload{name: "quoted.csv", text: "a,b\n\"x, \"\"y\"\"\nz\",1\n"}, format: "CSV", rows: 1, columns: []string{"a STRING", "b INTEGER"}},
		{upload: upload{name: "crlf.csv", text: "a,b\r\n1,2\r\n"}, format: "CSV", rows: 1, columns: []string{"a INTEGER", "b INTEGER"}},
		{upload: upload{name: "it's \"odd\".csv", text: "a,b\n1,2\n"}, format: "CSV", rows: 1, columns: []string{"a INTEGER", "b INTEGER"}},
		{upload: upload{name: "one column.csv", text: "name\nAda\nBob\n"}, format: "CSV", rows: 2, columns: []string{"name STRING"}},
		{upload: upload{name: "one number.csv", text: "n\n1\n2\n"}, format: "CSV", rows: 2, columns: []string{"n INTEGER"}},
		{upload: upload{name: "no header.csv", text: "1,2.5,x\n3,4.5,y\n"}, format: "CSV", rows: 2,
			columns: []string{"column_1 INTEGER", "column_2 FLOAT", "column_3 STRING"}, note: "no column names"},
		{upload: upload{name: "wide years.csv", text: "country,1952,1957\nIndia,37.4,40.2\nPeru,43.9,46.3\n"}, format: "CSV", rows: 2,
			columns: []string{"country STRING", "1952 FLOAT", "1957 FLOAT"}},
		{upload: upload{name: "dates.csv", text: "d,t,us,eu,which\n2024-01-02,2024-01-02 03:04:05,12/31/2024,31/12/2024,01/02/2024\n2024-01-03,2024-01-02T03:04,01/02/2024,01/02/2024,03/04/2024\n"},
			format: "CSV", rows: 2, columns: []string{"d DATE", "t TIMESTAMP", "us DATE", "eu DATE", "which STRING"}, note: "Day and month cannot be told apart",
			check: func(t *testing.T, p profile.Profile) {
				if d := p.Columns[3]; d.Min != "2024-02-01" || d.Max != "2024-12-31" || p.Sample.Rows[0][0] != "2024-01-02" {
					t.Errorf("from %s to %s", d.Min, d.Max)
				}
			}},
		{upload: upload{name: "zip codes.csv", text: "zip,id,n\n01234,12345678901234567890,1\n94103,2,2\n"}, format: "CSV", rows: 2,
			columns: []string{"zip STRING", "id STRING", "n INTEGER"}, note: "leading zeros",
			check: func(t *testing.T, p profile.Profile) {
				if p.Columns[0].Samples[0] != "01234" || p.Columns[1].Max != "2" {
					t.Errorf("%+v", p.Columns[:2])
				}
			}},
		{upload: upload{name: "selectors.csv", text: "a\ufe05b,c\u17b4d\u180be,f\ufff9g\ufff0,☀\ufe0f,ᠠ\u180b\U000E0041\n1,2,3,4,5\n"}, format: "CSV", rows: 1,
			columns: []string{"ab INTEGER", "cde INTEGER", "fg INTEGER", "☀ INTEGER", "ᠠ INTEGER"}, note: "invisible characters"},
		{upload: upload{name: "names.csv", text: "a,a,, b \u200b,\"x\ny\",a.1\n1,2,3,4,5,6\n"}, format: "CSV", rows: 1,
			columns: []string{"a INTEGER", "a.2 INTEGER", "Unnamed: 2 INTEGER", "b INTEGER", "x y INTEGER", "a.1 INTEGER"}, note: "numbered: a"},
		{upload: upload{name: "title above.csv", text: "Report of 2024\n\na,b,c\n1,2,3\n4,5,6\n7,8,9\n"}, format: "CSV", rows: 3,
			columns: []string{"a INTEGER", "b INTEGER", "c INTEGER"}, note: "above the table"},
		{upload: upload{name: "ragged.csv", text: "a,b\n1,2\n3,4,5\n6,7\n8\n"}, format: "CSV", rows: 3, columns: []string{"a INTEGER", "b INTEGER"}, note: "too many fields"},
		{upload: upload{name: "trailing.csv", text: "a,b\n1,2,\n3,4,\n"}, format: "CSV", rows: 2, columns: []string{"a INTEGER", "b INTEGER"}, note: "one field more"},
		// What has a name, and what has none, stays what it is and where it is.
		{upload: upload{name: "narrow title.csv", text: "Report\n\na,b\n1,2\n3,4\n5,6\n"}, format: "CSV", rows: 3,
			columns: []string{"a INTEGER", "b INTEGER"}, note: "2 lines above the table"},
		{upload: upload{name: "title in cells.csv", text: "Report,2024\na,b,c\n1,2,3\n4,5,6\n7,8,9\n"}, format: "CSV", rows: 3,
			columns: []string{"a INTEGER", "b INTEGER", "c INTEGER"}, note: "1 line above the table"},
		{upload: upload{name: "comments.csv", text: "# made by hand\n# in a hurry\na,b\n1,x\n2,y\n3,z\n"}, format: "CSV", rows: 3,
			columns: []string{"a INTEGER", "b STRING"}, note: "2 lines above the table"},
		{upload: upload{name: "row names.csv", text: "\"mpg\",\"cyl\",\"mpg\"\n\"Mazda\",21,6,1\n\"Datsun\",22.8,4,2\n\"Fiat\",32.4,4,3\n"}, format: "CSV", rows: 3,
			columns: []string{"Unnamed: 0 STRING", "mpg FLOAT", "cyl INTEGER", "mpg.1 INTEGER"}, note: "1 column has no name"},
		{upload: upload{name: "remarks.csv", text: "a,b\n1,2,\n3,4,late\n5,6,\n"}, format: "CSV", rows: 3,
			columns: []string{"a INTEGER", "b INTEGER", "Unnamed: 2 STRING"}, note: "1 column has no name"},
		{upload: upload{name: "one name.csv", text: "name\nAda,\nBob,\nCy,\nDi,\n"}, format: "CSV", rows: 4, columns: []string{"name STRING"}, note: "is empty and left out"},
		{upload: upload{name: "short rows.csv", text: "a,b,c\n1,2\n3,4,5\n7\n"}, format: "CSV", rows: 3,
			columns: []string{"a INTEGER", "b INTEGER", "c INTEGER"}},
		{upload: upload{name: "mixed.csv", text: "a,b\n1,x\nyes,\n2.5,3\n"}, format: "CSV", rows: 3, columns: []string{"a STRING", "b STRING"}},
		{upload: upload{name: "bool.csv", text: "k,ok\na,true\nb,False\n"}, format: "CSV", rows: 2, columns: []string{"k STRING", "ok BOOLEAN"}},

		{upload: upload{name: "bom.csv", text: "\ufeffa,b\n1,é\n"}, format: "CSV", rows: 1, columns: []string{"a INTEGER", "b STRING"},
			code: "pd.read_csv('bom.csv', encoding='utf-8-sig')"},
		{upload: upload{name: "utf16.csv", text: "\xff\xfe" + utf16LE(french)}, format: "CSV", rows: 3, columns: french2},
		{upload: upload{name: "utf16 no mark.csv", text: utf16LE("name;age\nAda;31\nBob;42\n")}, format: "CSV", rows: 2,
			columns: []string{"name STRING", "age INTEGER"}, note: "utf-16-le"},
		{upload: upload{name: "cp1252.csv", text: in(charmap.Windows1252, french+"Œdipe €;1\n")}, format: "CSV", rows: 4, columns: french2,
			note: "taken to be cp1252"},
		{upload: upload{name: "latin1.csv", text: in(charmap.ISO8859_1, french)}, format: "CSV", rows: 3, columns: french2, note: "cp1252"},
		{upload: upload{name: "sjis.csv", text: in(japanese.ShiftJIS, japan)}, format: "CSV", rows: 3,
			columns: []string{"都市 STRING", "人口 INTEGER", "メモ STRING"}, note: "cp932"},
		{upload: upload{name: "gb.csv", text: in(simplifiedchinese.GB18030, china)}, format: "CSV", rows: 3,
			columns: []string{"城市 STRING", "人口 INTEGER"}, note: "gb18030"},
		{upload: upload{name: "cyrillic.csv", text: in(charmap.Windows1251, "город,население\nМосква,13000000\nКазань,1300000\n")}, format: "CSV", rows: 2,
			columns: []string{"город STRING", "население INTEGER"}, note: "cp1251"},

		{upload: upload{name: "a.json", text: `[{"id":1,"who":{"name":"Ada","tags":["x"]},"on":"2024-01-02"},{"id":2,"who":{"name":"Bob"},"on":null}]`},
			format: "JSON", rows: 2, columns: []string{"id INTEGER", "on DATE", "who.name STRING", "who.tags JSON"}},
		{upload: upload{name: "columns.json", text: `{"a":[1,2],"b":["x",null]}`}, format: "JSON", rows: 2, columns: []string{"a INTEGER", "b STRING"}},
		{upload: upload{name: "within.json", text: `{"page":1,"data":[{"a":1}]}`}, format: "JSON", rows: 1, columns: []string{"a INTEGER"}},
		{upload: upload{name: "a.jsonl", text: "{\"zip\":\"0123\",\"n\":1}\n\n{\"zip\":\"9\",\"n\":2.5,\"x\":true}\n"}, format: "JSONL", rows: 2,
			columns: []string{"zip STRING", "n FLOAT", "x BOOLEAN"}},
		{upload: upload{name: "one.jsonl", text: "{\"a\":[{\"b\":1}]}\n"}, format: "JSON", rows: 1, columns: []string{"b INTEGER"}},

		{upload: upload{name: "a.xlsx", python: `
with pd.ExcelWriter(name) as w:
    pd.DataFrame({"city": ["Brno", "Oslo"], "n": [1, 2], "d": pd.to_datetime(["2024-01-02", "2024-01-03"])}).to_excel(w, sheet_name="First", index=False)
    pd.DataFrame({"x": [1]}).to_excel(w, sheet_name="Other")`}, format: "XLSX", rows: 2,
			columns: []string{"city STRING", "n INTEGER", "d DATE"}, note: "Other"},
		{upload: upload{name: "title.xlsx", python: `
import openpyxl
b = openpyxl.Workbook()
for row in (["Sales 2024"], [], ["k", "k", None, "v"], ["a", "b", 1, 2.5], ["c", "d", 3, None]): b.active.append(row)
b.save(name)`}, format: "XLSX", rows: 2, columns: []string{"k STRING", "k.1 STRING", "Unnamed: 2 INTEGER", "v FLOAT"}, note: "above the table"},
		{upload: upload{name: "formulas.xlsx", python: `
import openpyxl
b = openpyxl.Workbook()
for row in (["a", "double", "half"], [1, "=A2*2", 0.5], [2, "=A3*2", "=A3/2"]): b.active.append(row)
b.save(name)`}, format: "XLSX", rows: 2, columns: []string{"a INTEGER", "double FLOAT", "half FLOAT"}, note: "read as empty: double, half."},
		// A spreadsheet program has worked these out, one of them to nothing.
		{upload: upload{name: "results.xlsx", python: `
import openpyxl, zipfile
b = openpyxl.Workbook()
for row in (["a", "f", "g"], [1, "=A2*2", "=IF(A2>1,A2,\"\")"], [2, "=A3*2", "=IF(A3>1,A3,\"\")"]): b.active.append(row)
b.save("made.xlsx")
with zipfile.ZipFile("made.xlsx") as old, zipfile.ZipFile(name, "w") as new:
    for member in old.namelist():
        content = old.read(member).decode()
        if member == "xl/worksheets/sheet1.xml":
            content = content.replace('<c r="C2">', '<c r="C2" t="str">')
            for value in "2", "", "4", "2": content = content.replace("<v />", f"<v>{value}</v>", 1).replace("<v/>", f"<v>{value}</v>", 1)
        new.writestr(member, content)
import os; os.remove("made.xlsx")`}, format: "XLSX", rows: 2, columns: []string{"a INTEGER", "f INTEGER", "g INTEGER"}},
		{upload: upload{name: "stray.xlsx", python: `
import openpyxl
b = openpyxl.Workbook()
for row in (["a", "b"], [1, 2], [3, 4]): b.active.append(row)
b.active["A100"] = 9
b.save(name)`}, format: "XLSX", rows: 99, columns: []string{"a INTEGER", "b INTEGER"}, note: "96 rows are empty"},
		{upload: upload{name: "a.parquet", python: `
import datetime, decimal
pd.DataFrame({"i": pd.array([1, None], dtype="Int64"), "f": [0.5, 1.5], "s": ["x", None], "b": [True, False], "c": pd.Categorical(["u", "v"]),
  "t": pd.to_datetime(["2024-01-02 03:04", "2024-01-03 00:00"]), "z": pd.to_datetime(["2024-01-02", "2024-01-03"], utc=True),
  "d": [datetime.date(2024, 1, 2), None], "n": [decimal.Decimal("1.10"), decimal.Decimal("2.20")], "l": [[1, 2], [3]], "y": [b"\x00\x01", b"z"]}).to_parquet(name)`},
			format: "PARQUET", rows: 2, code: "pd.read_parquet('a.parquet')",
			columns: []string{"i INTEGER", "f FLOAT", "s STRING", "b BOOLEAN", "c STRING", "t TIMESTAMP", "z TIMESTAMP", "d DATE", "n NUMERIC", "l JSON", "y BYTES"}},
		{upload: upload{name: "indexed.parquet", python: `pd.DataFrame({"v": [1, 2]}, index=pd.Index(["a", "b"], name="k")).to_parquet(name)`},
			format: "PARQUET", rows: 2, columns: []string{"k STRING", "v INTEGER"}},
	}
}

type failureTest struct {
	upload
	code profile.Code
	says string
}

func failureTests() []failureTest {
	wide := strings.Repeat("c,", 5000) + "c\n" + strings.Repeat("1,", 5000) + "1\n"
	cutXLSX := `pd.DataFrame({"a": range(500)}).to_excel("x.xlsx"); import os; b = open("x.xlsx", "rb").read(); os.remove("x.xlsx"); open(name, "wb").write(b[:len(b) // 2])`
	cutParquet := `pd.DataFrame({"a": range(500)}).to_parquet("x"); import os; b = open("x", "rb").read(); os.remove("x"); open(name, "wb").write(b[:len(b) // 2])`
	zip := `
import zipfile
with zipfile.ZipFile(name, "w", zipfile.ZIP_DEFLATED) as z: %s`
	return []failureTest{
		{upload{name: "zero.csv"}, profile.EmptyFile, "0 bytes"},
		{upload{name: "blank.csv", text: " \n\n,,,\n"}, profile.EmptyFile, "no content"},
		{upload{name: "mark only.csv", text: "\ufeff"}, profile.EmptyFile, "no content"},
		{upload{name: "header only.csv", text: "a,b,c\n"}, profile.NoRows, "no rows"},
		{upload{name: "binary.csv", text: string(bytes.Repeat([]byte{0, 1, 2, 0xfe, 0xca, 3}, 500))}, profile.NotTabular, "binary"},
		{upload{name: "controls.csv", text: strings.Repeat("\x01\x02\x03a,b\n", 100)}, profile.NotTabular, "binary"},
		{upload{name: "zeros.csv", text: strings.Repeat("\x00", 4096)}, profile.UnsupportedFormat, "zero bytes"},
		{upload{name: "prose.txt", text: strings.Repeat("It was a bright cold day in April and the clocks were striking thirteen.\n", 20)}, profile.NotTabular, "running text"},
		{upload{name: "picture.csv", text: "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"}, profile.UnsupportedFormat, "picture"},
		{upload{name: "paper.csv", text: "%PDF-1.7\n\xe2\xe3"}, profile.UnsupportedFormat, "PDF"},
		{upload{name: "page.csv", text: "<!DOCTYPE html><html><body>Sign in</body></html>"}, profile.UnsupportedFormat, "web page"},
		{upload{name: "old.xls", text: "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600)}, profile.UnsupportedFormat, "XLS"},
		{upload{name: "data.gz", text: "\x1f\x8b\x08\x00abc"}, profile.UnsupportedFormat, "gzip"},
		{upload{name: "unknown.csv", text: "a,b\n\x81\x8d\x8f,\x90\x9d\n"}, profile.Encoding, "Save it as UTF-8"},
		{upload{name: "broken16.csv", text: "\xff\xfea\x00,\x00\x00\xd8\n\x00"}, profile.Encoding, "UTF-16"},
		{upload{name: "wide.csv", text: wide}, profile.TooManyColumns, "5,001"},
		{upload{name: "very wide.csv", text: strings.Repeat("c,", 300_000) + "c\n" + strings.Repeat("1,", 300_000) + "1\n"}, profile.TooManyColumns, "has more than 262,144 columns; 5,000 is the most"},
		{upload{name: "one line.txt", text: strings.Repeat("a", 1<<20)}, profile.NotTabular, "does not end"},
		{upload{name: "quote.csv", text: "a,b\n1,\"" + strings.Repeat("x,y\n", 1<<18)}, profile.BrokenFile, "quotation mark"},
		{upload{name: "cut.json", text: `[{"a":1},{"a":`}, profile.BrokenFile, "cut off"},
		{upload{name: "cut.jsonl", text: "{\"a\":1}\n{\"a\":2}\n{\"a\""}, profile.BrokenFile, "Line 3"},
		{upload{name: "scalars.json", text: `[[1,2],[3,4]]`}, profile.NotTabular, "not of objects"},
		{upload{name: "numbers.json", text: `[1, 2, 3]`}, profile.NotTabular, "not of objects"},
		{upload{name: "brackets.csv", text: "[1],b\n"}, profile.NoRows, "no rows"},
		{upload{name: "object.json", text: `{"a":1}`}, profile.NotTabular, "no table"},
		{upload{name: "list.json", text: `[]`}, profile.NoRows, "empty list"},
		{upload{name: "deep.json", text: strings.Repeat("[", 100_000)}, profile.NotTabular, "deeply"},
		{upload{name: "cut.xlsx", python: cutXLSX}, profile.BrokenFile, "cut off"},
		{upload{name: "cut.parquet", python: cutParquet}, profile.BrokenFile, "cut off"},
		{upload{name: "magic.parquet", text: "PAR1"}, profile.BrokenFile, "damaged"},
		{upload{name: "plain.zip", python: fmt.Sprintf(zip, `z.writestr("a.txt", "a")`)}, profile.UnsupportedFormat, "ZIP archive"},
		{upload{name: "letter.xlsx", python: fmt.Sprintf(zip, `z.writestr("word/document.xml", "<a/>")`)}, profile.UnsupportedFormat, "Word"},
		{upload{name: "hollow.xlsx", python: fmt.Sprintf(zip, `z.writestr("xl/workbook.xml", "<a/>")`)}, profile.BrokenFile, "damaged"},
		{upload{name: "bomb.xlsx", python: fmt.Sprintf(zip, `
    z.writestr("xl/workbook.xml", "<a/>")
    with z.open("xl/worksheets/sheet1.xml", "w") as f:
        for i in range(500): f.write(b" " * (1 << 20))`)}, profile.TooLarge, "unpacks to"},
		{upload{name: "empty.xlsx", python: `import openpyxl; openpyxl.Workbook().save(name)`}, profile.EmptyFile, "first sheet"},
		{upload{name: "header.xlsx", python: `pd.DataFrame({"a": []}).to_excel(name, index=False)`}, profile.NoRows, "no rows"},
		{upload{name: "rowless.parquet", python: `pd.DataFrame({"a": []}).to_parquet(name)`}, profile.NoRows, "no rows"},
	}
}
