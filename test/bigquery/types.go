package main

import (
	"fmt"
	"strings"

	"github.com/goccy/go-googlesql"
	bq "google.golang.org/api/bigquery/v2"
)

// sqlTypes are types as SQL calls them, where metadata call them otherwise, and
// fieldTypes the other way.
var (
	sqlTypes   = map[string]string{"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}
	fieldTypes = map[string]string{"INT64": "INTEGER", "FLOAT64": "FLOAT", "BOOL": "BOOLEAN"}
)

// fieldType is the type of a column, in SQL.
func fieldType(f *bq.TableFieldSchema) string {
	kind := f.Type
	switch kind {
	case "RECORD", "STRUCT":
		var fields []string
		for _, inner := range f.Fields {
			fields = append(fields, "`"+inner.Name+"` "+fieldType(inner))
		}
		kind = "STRUCT<" + strings.Join(fields, ", ") + ">"
	case "RANGE":
		kind = "RANGE<" + f.RangeElementType.Type + ">"
	default:
		if name := sqlTypes[kind]; name != "" {
			kind = name
		}
	}
	if f.Mode == "REPEATED" {
		return "ARRAY<" + kind + ">"
	}
	return kind
}

// parameterType is the type of a parameter, in SQL.
func parameterType(t *bq.QueryParameterType) string {
	if t.ArrayType != nil {
		return "ARRAY<" + parameterType(t.ArrayType) + ">"
	}
	return t.Type
}

// schemaOf is the schema of a query's result.
func schemaOf(query *googlesql.ResolvedQueryStmt) ([]*bq.TableFieldSchema, error) {
	columns, err := query.OutputColumnList()
	if err != nil {
		return nil, err
	}
	var out []*bq.TableFieldSchema
	for i, c := range columns {
		name, err := c.Name()
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(name, "$") || name == "" { // it has none in the statement
			name = fmt.Sprintf("f%d_", i)
		}
		column, err := c.Column()
		if err != nil {
			return nil, err
		}
		kind, err := column.Type()
		if err != nil {
			return nil, err
		}
		text, err := typeName(kind)
		if err != nil {
			return nil, err
		}
		f, rest := field(text)
		if rest != "" {
			return nil, fmt.Errorf("the type %q ends before %q", text, rest)
		}
		f.Name = name
		out = append(out, f)
	}
	return out, nil
}

// typeName is a type as SQL writes it.
func typeName(t googlesql.Googlesql_TypeNode) (string, error) {
	named, ok := t.(interface {
		TypeName(mode googlesql.ProductMode) (string, error)
	})
	if !ok {
		return "", fmt.Errorf("the type %T has no name", t)
	}
	return named.TypeName(googlesql.ProductModeProductExternal)
}

// field reads a type like ARRAY<STRUCT<a INT64, b STRING>> at the beginning of a
// text, and returns what stands behind it.
func field(text string) (*bq.TableFieldSchema, string) {
	end := strings.IndexAny(text, "<>, ")
	if end < 0 {
		end = len(text)
	}
	f, rest := &bq.TableFieldSchema{Type: text[:end], Mode: "NULLABLE"}, text[end:]
	if name := fieldTypes[f.Type]; name != "" {
		f.Type = name
	}
	if !strings.HasPrefix(rest, "<") {
		return f, rest
	}
	rest = rest[1:]
	switch f.Type {
	case "ARRAY":
		f, rest = field(rest)
		f.Mode = "REPEATED"
	case "RANGE":
		var element *bq.TableFieldSchema
		element, rest = field(rest)
		f.RangeElementType = &bq.TableFieldSchemaRangeElementType{Type: element.Type}
	case "STRUCT":
		f.Type = "RECORD"
		for !strings.HasPrefix(rest, ">") && rest != "" {
			var name string
			if name, rest = fieldName(rest); rest == "" {
				break
			}
			var inner *bq.TableFieldSchema
			if inner, rest = field(rest); inner.Type == "" {
				return f, rest
			}
			inner.Name = name
			f.Fields = append(f.Fields, inner)
			rest = strings.TrimPrefix(rest, ", ")
		}
	}
	return f, strings.TrimPrefix(rest, ">")
}

// fieldName reads the name before a field's type; "" where it has none.
func fieldName(text string) (name, rest string) {
	if strings.HasPrefix(text, "`") {
		name, rest, _ = strings.Cut(text[1:], "`")
		return name, strings.TrimPrefix(rest, " ")
	}
	end := strings.IndexAny(text, "<>, ")
	if end < 0 || text[end] != ' ' {
		return "", text
	}
	return text[:end], text[end+1:]
}
