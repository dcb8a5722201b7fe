package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"
)

// missing are the texts that stand for nothing in a file.
var missing = map[string]bool{"": true, "NA": true}

// loadFile makes a table of a CSV file: its columns are whole numbers, numbers or
// texts, as all of their values are.
func (f *front) loadFile(ctx context.Context, l load) error {
	file, err := os.Open(l.path)
	if err != nil {
		return err
	}
	defer file.Close() //nolint:errcheck // it was read only
	reader := csv.NewReader(file)
	header, err := reader.Read()
	if err != nil {
		return err
	}
	schema := make([]*bq.TableFieldSchema, len(header))
	for i, name := range header {
		schema[i] = &bq.TableFieldSchema{Name: name, Type: "INTEGER"}
	}
	var rows []map[string]any
	for {
		record, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		row := map[string]any{}
		for i, text := range record {
			if !missing[text] {
				row[header[i]] = text
				schema[i].Type = wider(schema[i].Type, text)
			}
		}
		rows = append(rows, row)
	}
	return f.make(ctx, l.table, &bq.Table{Schema: &bq.TableSchema{Fields: schema}}, rows)
}

// wider is the type that holds a text beside what the column holds already.
func wider(kind, text string) string {
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		return kind
	}
	if _, err := strconv.ParseFloat(text, 64); err == nil && kind != "STRING" {
		return "FLOAT"
	}
	return "STRING"
}

// rowsAtOnce is how many rows one call inserts.
const rowsAtOnce = 500

// make makes a table, and its dataset where there is none, in the place that the
// dataset is in or in US.
func (f *front) make(ctx context.Context, id tableID, about *bq.Table, rows []map[string]any) error {
	if err := f.emulator.project(id.project); err != nil {
		return err
	}
	defer f.tables.changed()
	datasets := "/projects/" + id.project + "/datasets"
	var gone *failure
	err := f.emulator.ask(ctx, http.MethodGet, datasets+"/"+id.dataset, nil, nil)
	if errors.As(err, &gone) && gone.Status == http.StatusNotFound {
		err = f.emulator.ask(ctx, http.MethodPost, datasets, &bq.Dataset{Location: "US",
			DatasetReference: &bq.DatasetReference{ProjectId: id.project, DatasetId: id.dataset}}, nil)
	}
	if err != nil {
		return err
	}
	about.TableReference = id.reference()
	if err := f.emulator.ask(ctx, http.MethodPost, datasets+"/"+id.dataset+"/tables", about, nil); err != nil {
		return err
	}
	for len(rows) > 0 {
		n := min(rowsAtOnce, len(rows))
		request := &bq.TableDataInsertAllRequest{}
		for _, row := range rows[:n] {
			one := map[string]bq.JsonValue{}
			for name, value := range row {
				one[name] = value
			}
			request.Rows = append(request.Rows, &bq.TableDataInsertAllRequestRows{Json: one})
		}
		if err := f.emulator.ask(ctx, http.MethodPost, id.path()+"/insertAll", request, nil); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// shopRows is how many orders the shop has, and shopGiB for how much they are taken.
const (
	shopRows = 2_000
	shopGiB  = 40
)

// loadShop makes acme-data.shop.orders: two years of a shop's orders. The same seed
// makes the same orders.
func (f *front) loadShop(ctx context.Context) error {
	random := rand.New(rand.NewPCG(1, 2))
	cities := []string{"Oslo", "Rome", "Lima", "Kyoto", "Accra"}
	goods := []struct {
		name  string
		cents int
	}{{"tea", 450}, {"coffee", 690}, {"cocoa", 520}, {"honey", 880}}
	// Most of the bytes: a query that leaves them out costs little.
	wishes := []string{"Please wrap it as a gift.", "Leave it with the neighbours.", "Ring twice, the bell is quiet.", "No hurry at all."}
	begin := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	rows := make([]map[string]any, shopRows)
	for i := range rows {
		product, quantity := goods[random.IntN(len(goods))], 1+random.IntN(9)
		cents := product.cents * quantity
		rows[i] = map[string]any{
			"id": strconv.Itoa(i + 1), "day": begin.AddDate(0, 0, i*730/shopRows).Format(time.DateOnly),
			"city": cities[min(random.IntN(len(cities)), random.IntN(len(cities)))], "product": product.name,
			"quantity": strconv.Itoa(quantity), "total": fmt.Sprintf("%d.%02d", cents/100, cents%100),
			"note": strings.TrimSpace(strings.Repeat(wishes[random.IntN(len(wishes))]+" ", 4)),
		}
	}
	fields := []*bq.TableFieldSchema{
		{Name: "id", Type: "INTEGER", Mode: "REQUIRED"}, {Name: "day", Type: "DATE", Description: "When it was ordered."},
		{Name: "city", Type: "STRING", Description: "Where it was sent."}, {Name: "product", Type: "STRING"},
		{Name: "quantity", Type: "INTEGER"}, {Name: "total", Type: "NUMERIC", Description: "In euros."},
		{Name: "note", Type: "STRING", Description: "What the customer wishes."},
	}
	return f.make(ctx, tableID{"acme-data", "shop", "orders"}, &bq.Table{
		Description: "All orders of 2024 and 2025, made up from a seed.", Schema: &bq.TableSchema{Fields: fields},
		Labels: map[string]string{pretend: strconv.Itoa(shopGiB)}, TimePartitioning: &bq.TimePartitioning{Type: "DAY", Field: "day"},
		Clustering: &bq.Clustering{Fields: []string{"city"}},
	}, rows)
}
