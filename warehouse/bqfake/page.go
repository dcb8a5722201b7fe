package bqfake

import (
	"bufio"
	"encoding/json"
	"io"

	bq "google.golang.org/api/bigquery/v2"
)

// page is a page of a result whose rows the answer has encoded: it is written as
// it is made, so that the fake costs little beside what reads it.
type page struct {
	head     *bq.GetQueryResultsResponse // all but the rows
	encoded  func(b []byte, i int) []byte
	from, to int
}

// write writes the page as the API does. A client that is gone reads nothing.
func (p *page) write(w io.Writer) {
	head, err := json.Marshal(p.head)
	if err != nil {
		panic(err) // there is nothing in it that could fail
	}
	out := bufio.NewWriterSize(w, 64<<10)
	defer out.Flush() //nolint:errcheck // see above
	if p.from == p.to {
		_, _ = out.Write(head)
		return
	}
	_, _ = out.Write(head[:len(head)-1])
	_, _ = out.WriteString(`,"rows":[`)
	var row []byte
	for i := p.from; i < p.to; i++ {
		if i > p.from {
			_ = out.WriteByte(',')
		}
		row = p.encoded(row[:0], i)
		_, _ = out.Write(row)
	}
	_, _ = out.WriteString("]}")
}
