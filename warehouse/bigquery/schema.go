package bigquery

import (
	"cloud.google.com/go/bigquery"
	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
)

// columns translates a schema.
func columns(schema bigquery.Schema) []warehouse.Column {
	out := make([]warehouse.Column, 0, len(schema))
	for _, f := range schema {
		c := warehouse.Column{Name: f.Name, Type: warehouse.Type(f.Type), Mode: mode(f), Description: f.Description}
		if f.RangeElementType != nil {
			c.Element = warehouse.Type(f.RangeElementType.Type)
		}
		if len(f.Schema) > 0 {
			c.Fields = columns(f.Schema)
		}
		out = append(out, c)
	}
	return out
}

func mode(f *bigquery.FieldSchema) warehouse.Mode {
	switch {
	case f.Repeated:
		return warehouse.Repeated
	case f.Required:
		return warehouse.Required
	}
	return warehouse.Nullable
}

// flatten lists a schema's fields with those of records, in order.
func flatten(schema bigquery.Schema) []warehouse.Field {
	var out []warehouse.Field
	var walk func(schema bigquery.Schema, prefix string, depth int, repeated bool)
	walk = func(schema bigquery.Schema, prefix string, depth int, repeated bool) {
		for _, f := range schema {
			field := warehouse.Field{Path: prefix + f.Name, Type: warehouse.Type(f.Type), Mode: mode(f), Description: f.Description,
				Depth: depth, Repeated: repeated || f.Repeated}
			out = append(out, field)
			walk(f.Schema, field.Path+".", depth+1, field.Repeated)
		}
	}
	walk(schema, "", 0, false)
	return out
}

// columnsOf translates a schema as the API writes it. Its types may be called as SQL
// calls them.
func columnsOf(schema *bq.TableSchema) []warehouse.Column {
	if schema == nil {
		return nil
	}
	return fieldsOf(schema.Fields)
}

func fieldsOf(fields []*bq.TableFieldSchema) []warehouse.Column {
	out := make([]warehouse.Column, 0, len(fields))
	for _, f := range fields {
		c := warehouse.Column{Name: f.Name, Type: fieldType(f.Type), Mode: warehouse.Mode(f.Mode), Description: f.Description}
		if c.Mode == "" {
			c.Mode = warehouse.Nullable
		}
		if f.RangeElementType != nil {
			c.Element = fieldType(f.RangeElementType.Type)
		}
		if len(f.Fields) > 0 {
			c.Fields = fieldsOf(f.Fields)
		}
		out = append(out, c)
	}
	return out
}

func fieldType(name string) warehouse.Type {
	for field, sql := range sqlTypes {
		if name == sql {
			return field
		}
	}
	return warehouse.Type(name)
}

// leaves counts the columns of a schema and the fields within them.
func leaves(columns []warehouse.Column) int {
	n := len(columns)
	for _, c := range columns {
		n += leaves(c.Fields)
	}
	return n
}
