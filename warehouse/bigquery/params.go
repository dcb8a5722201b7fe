package bigquery

import (
	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/params"
)

// sqlTypes are the types as SQL calls them, where metadata call them otherwise.
var sqlTypes = map[warehouse.Type]string{
	warehouse.Integer: "INT64", warehouse.Float: "FLOAT64", warehouse.Boolean: "BOOL", warehouse.Struct: "STRUCT",
}

// parameters translates a query's parameters.
func parameters(list []warehouse.Param) ([]*bq.QueryParameter, error) {
	written, err := params.Write(list)
	if err != nil {
		return nil, err
	}
	out := make([]*bq.QueryParameter, 0, len(written))
	for _, p := range written {
		out = append(out, parameter(p))
	}
	return out, nil
}

func parameter(p params.Written) *bq.QueryParameter {
	element := &bq.QueryParameterType{Type: string(p.Type)}
	if name, other := sqlTypes[p.Type]; other {
		element.Type = name
	}
	out := &bq.QueryParameter{Name: p.Name, ParameterType: element}
	if !p.Array {
		out.ParameterValue = parameterValue(p.Texts[0])
		return out
	}
	out.ParameterType = &bq.QueryParameterType{Type: "ARRAY", ArrayType: element}
	out.ParameterValue = &bq.QueryParameterValue{ArrayValues: []*bq.QueryParameterValue{}, ForceSendFields: []string{"ArrayValues"}}
	for _, text := range p.Texts {
		out.ParameterValue.ArrayValues = append(out.ParameterValue.ArrayValues, parameterValue(text))
	}
	return out
}

func parameterValue(text *string) *bq.QueryParameterValue {
	if text == nil {
		return &bq.QueryParameterValue{NullFields: []string{"Value"}}
	}
	return &bq.QueryParameterValue{Value: *text, ForceSendFields: []string{"Value"}}
}
