package warehouse

// Type is the type of a column or parameter.
type Type string

// The types, as the metadata of tables call them. How a value of each stands in
// a row and in JSON:
const (
	String     Type = "STRING"     // string
	Bytes      Type = "BYTES"      // string, base64 (RFC 4648, padded)
	Integer    Type = "INTEGER"    // int64; a number of up to 19 digits
	Float      Type = "FLOAT"      // float64; "NaN", "Infinity" and "-Infinity" as strings
	Boolean    Type = "BOOLEAN"    // bool
	Numeric    Type = "NUMERIC"    // string, decimal and exact: "123.45"
	BigNumeric Type = "BIGNUMERIC" // string, decimal and exact
	Date       Type = "DATE"       // string: "2026-02-03"
	Time       Type = "TIME"       // string: "14:05:06.000007"
	DateTime   Type = "DATETIME"   // string: "2026-02-03T14:05:06.000007"
	Timestamp  Type = "TIMESTAMP"  // string in UTC: "2026-02-03T14:05:06.000007Z"
	Interval   Type = "INTERVAL"   // string: "1-2 3 4:5:6.789"
	Geography  Type = "GEOGRAPHY"  // string: WKT
	JSON       Type = "JSON"       // string holding the JSON text, so that SQL's NULL and JSON's null differ
	Range      Type = "RANGE"      // Record with the fields start and end; nil is unbounded
	Struct     Type = "RECORD"     // Record
)

// Column is a column of a result.
type Column struct {
	Name        string   `json:"name"`
	Type        Type     `json:"type"`
	Mode        Mode     `json:"mode"`
	Element     Type     `json:"element,omitempty"` // of a RANGE: DATE, DATETIME or TIMESTAMP
	Fields      []Column `json:"fields,omitempty"`  // of a RECORD
	Description string   `json:"description,omitempty"`
}

// Record is the value of a RECORD or RANGE: its fields in order. As JSON it is
// an object whose members keep that order, or an array where two fields share a
// name or one has none.
type Record struct {
	Names  []string
	Values []any
}
