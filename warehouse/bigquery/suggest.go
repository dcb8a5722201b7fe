package bigquery

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/guard"
	"github.com/mark-analyst/mark/warehouse/nearest"
)

// maxSuggestionCalls is how many calls for metadata looking for names may take.
const maxSuggestionCalls = 4

var (
	noColumn  = regexp.MustCompile(`(?:Unrecognized name: |Name |Field name )` + "`?([^\\s;`]+)`?")
	noTable   = regexp.MustCompile(`Not found: Table ([^\s]+?) was not found|Not found: Table ([^\s]+)`)
	noDataset = regexp.MustCompile(`was not found in location ([\w-]+)`)
	inDataset = regexp.MustCompile(`Not found: (?:Table|Dataset) ([\w.-]+(?::[\w.-]+)?):([\w]+)`)
)

// suggest returns the names nearest to one that a statement has and BigQuery has
// not: columns of the tables that the statement names, or tables of the dataset.
func (w *Warehouse) suggest(ctx context.Context, sql, message string) []string {
	if found := noTable.FindStringSubmatch(message); found != nil {
		return w.nearestTables(ctx, tableIn(cmp.Or(found[1], found[2])))
	}
	found := noColumn.FindStringSubmatch(message)
	if found == nil {
		return nil
	}
	text, err := guard.Lexical(sql, 0, w.config.Policy.Wildcards)
	if err != nil {
		return nil
	}
	var names []string
	for i, ref := range text.Sources {
		if i == maxSuggestionCalls {
			break
		}
		table, err := w.Table(ctx, ref, warehouse.TableOptions{})
		if err != nil {
			continue
		}
		for _, f := range table.Fields {
			names = append(names, f.Path)
		}
	}
	return nearest.Names(found[1], names)
}

// tableIn reads a table as BigQuery's messages write it: "project:dataset.table".
func tableIn(name string) warehouse.TableRef {
	i, j := strings.LastIndexByte(name, '.'), strings.LastIndexByte(name, ':')
	if i < 0 || j < 0 || j > i {
		parts := strings.Split(name, ".")
		if len(parts) != 3 {
			return warehouse.TableRef{}
		}
		return warehouse.TableRef{Project: parts[0], Dataset: parts[1], Table: parts[2]}
	}
	return warehouse.TableRef{Project: name[:j], Dataset: name[j+1 : i], Table: name[i+1:]}
}

// nearestTables returns tables of the dataset with a name like the one that is
// not there, only such as the list permits.
func (w *Warehouse) nearestTables(ctx context.Context, ref warehouse.TableRef) []string {
	if ref.Dataset == "" || !w.guard.Allow.Dataset(ref.Project, ref.Dataset) {
		return nil
	}
	list, err := w.tables(ctx, warehouse.Place{Project: ref.Project, Dataset: ref.Dataset}, warehouse.Page{Size: maxPageSize})
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range list.Entries {
		names = append(names, e.Ref.Table)
	}
	return nearest.Names(ref.Table, names)
}

// elsewhere returns a sentence when what was not found in the connection's
// location is in another; "" when it is nowhere.
func (w *Warehouse) elsewhere(ctx context.Context, message string) string {
	asked, place := noDataset.FindStringSubmatch(message), inDataset.FindStringSubmatch(message)
	if asked == nil || place == nil || ctx.Err() != nil || !w.guard.Allow.Dataset(place[1], place[2]) {
		return ""
	}
	md, err := w.client.DatasetInProject(place[1], place[2]).Metadata(ctx)
	if err != nil || strings.EqualFold(md.Location, asked[1]) {
		return ""
	}
	return fmt.Sprintf("The dataset %s is in %s, and the query ran in %s. Use data in the connection's location, or set up a connection for %s.",
		place[2], md.Location, asked[1], md.Location)
}
