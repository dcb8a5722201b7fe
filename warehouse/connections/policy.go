package connections

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bigquery"
)

// policy is a warehouse.Policy as it is written; what is missing is as
// bigquery.DefaultPolicy has it.
type policy struct {
	BytesPerQuery   *size    `yaml:"bytesPerQuery"`
	BytesPerRun     *size    `yaml:"bytesPerRun"`
	BytesPerUserDay *size    `yaml:"bytesPerUserDay"`
	ApprovalBytes   *size    `yaml:"approvalBytes"`
	ApprovalUSD     *float64 `yaml:"approvalUsd"`
	USDPerTiB       *float64 `yaml:"usdPerTiB"`
	MaxRows         *int64   `yaml:"maxRows"`
	MaxBytes        *size    `yaml:"maxBytes"`
	MaxSQLBytes     *size    `yaml:"maxSqlBytes"`
	Timeout         string   `yaml:"timeout"`
	MetadataTimeout string   `yaml:"metadataTimeout"`
	Views           string   `yaml:"views"`
	Wildcards       bool     `yaml:"wildcards"`
}

const (
	mostDollars = 100_000
	mostSQL     = 1 << 20 // that BigQuery takes
	leastTime   = time.Second
	mostTime    = 6 * time.Hour // that BigQuery lets a query run
)

func (w policy) check() (warehouse.Policy, error) {
	p := bigquery.DefaultPolicy()
	for _, s := range []struct {
		written *size
		to      *int64
	}{
		{w.BytesPerQuery, &p.BytesPerQuery}, {w.BytesPerRun, &p.BytesPerRun}, {w.BytesPerUserDay, &p.BytesPerUserDay},
		{w.ApprovalBytes, &p.ApprovalBytes}, {w.MaxBytes, &p.MaxBytes},
	} {
		if s.written != nil {
			*s.to = int64(*s.written)
		}
	}
	if w.MaxRows != nil {
		p.MaxRows = *w.MaxRows
	}
	if w.MaxSQLBytes != nil {
		p.MaxSQLBytes = int(*w.MaxSQLBytes)
	}
	if p.MaxRows < 1 || p.MaxBytes < 1 || p.MaxSQLBytes < 1 || p.MaxSQLBytes > mostSQL {
		return p, errors.New("policy: maxRows, maxBytes and maxSqlBytes must be above zero, maxSqlBytes at most 1 MiB")
	}
	if err := errors.Join(
		dollars("approvalUsd", w.ApprovalUSD, &p.ApprovalMicros), dollars("usdPerTiB", w.USDPerTiB, &p.MicrosPerTiB),
		duration("timeout", w.Timeout, &p.Timeout), duration("metadataTimeout", w.MetadataTimeout, &p.MetadataTimeout),
	); err != nil {
		return p, err
	}
	switch v := warehouse.ViewPolicy(w.Views); v {
	case "":
	case warehouse.ExpandViews, warehouse.RefuseViews:
		p.Views = v
	default:
		return p, errors.New("policy: views must be expand or refuse")
	}
	p.Wildcards = w.Wildcards
	return p, nil
}

func dollars(name string, written *float64, micros *int64) error {
	if written == nil {
		return nil
	}
	if d := *written; math.IsNaN(d) || d < 0 || d > mostDollars {
		return fmt.Errorf("policy: %s is an amount of US dollars, 0 to %d", name, mostDollars)
	}
	*micros = int64(math.Round(*written * 1e6))
	return nil
}

func duration(name, written string, to *time.Duration) error {
	if written == "" {
		return nil
	}
	d, err := time.ParseDuration(written)
	if err != nil || d < leastTime || d > mostTime {
		return fmt.Errorf("policy: %s is a time like 30s or 5m, %s to %s", name, leastTime, mostTime)
	}
	*to = d
	return nil
}

// size is a number of bytes, as people write it: 10 GiB, 500 MB, 4096.
type size int64

// sizeError says what is wrong with one.
type sizeError struct{ text string }

func (e *sizeError) Error() string {
	return fmt.Sprintf("policy: %q is no size like 10 GiB, 500 MB or a number of bytes", e.text)
}

// UnmarshalYAML implements yaml.BytesUnmarshaler.
func (s *size) UnmarshalYAML(raw []byte) error {
	text := strings.Trim(strings.TrimSpace(string(raw)), `"'`)
	n, err := humanize.ParseBytes(text)
	if err != nil || n > math.MaxInt64/2 {
		return &sizeError{text}
	}
	*s = size(n)
	return nil
}
