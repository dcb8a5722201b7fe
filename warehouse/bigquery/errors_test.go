package bigquery

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
)

// Every shape of BigQuery's errors becomes a code, a sentence and no more; from
// the dry run and from the job alike.
func TestErrors(t *testing.T) {
	const sql = "SELECT id FROM sales.orders"
	for name, c := range map[string]struct {
		failure bqfake.Failure
		want    warehouse.Code
	}{
		"no such table":        {bqfake.Failure{Status: 404, Reason: "notFound", Message: "Not found: Table shop:sales.orders was not found in location US"}, warehouse.CodeNotFound},
		"no access":            {bqfake.Failure{Status: 403, Reason: "accessDenied", Message: "Access Denied: Table shop:sales.orders: User mark@shop.iam.gserviceaccount.com does not have permission"}, warehouse.CodeAccessDenied},
		"no billing":           {bqfake.Failure{Status: 403, Reason: "billingNotEnabled", Message: "Billing has not been enabled"}, warehouse.CodeAccessDenied},
		"a quota is used up":   {bqfake.Failure{Status: 403, Reason: "quotaExceeded", Message: "Quota exceeded: Your project exceeded quota for free query bytes scanned"}, warehouse.CodeQuotaExceeded},
		"a syntax error":       {bqfake.Failure{Status: 400, Reason: "invalidQuery", Message: "Syntax error: Unexpected \")\" at [3:14]"}, warehouse.CodeInvalidQuery},
		"an invalid argument":  {bqfake.Failure{Status: 400, Reason: "invalid", Message: "Invalid value"}, warehouse.CodeInvalidQuery},
		"too large":            {bqfake.Failure{Status: 403, Reason: "responseTooLarge", Message: "Response too large to return."}, warehouse.CodeResponseTooLarge},
		"too much work":        {bqfake.Failure{Status: 400, Reason: "resourcesExceeded", Message: "Resources exceeded during query execution"}, warehouse.CodeResources},
		"too many bytes":       {bqfake.Failure{Status: 400, Reason: "bytesBilledLimitExceeded", Message: "Query exceeded limit for bytes billed: 1. 2 or higher required."}, warehouse.CodeBilledLimit},
		"too slow":             {bqfake.Failure{Status: 400, Reason: "timeout", Message: "Job timed out"}, warehouse.CodeTimeout},
		"another location":     {bqfake.Failure{Status: 400, Reason: "invalid", Message: "Cannot read and write in different locations: source: EU, destination: US"}, warehouse.CodeLocation},
		"bad credentials":      {bqfake.Failure{Status: 401, Reason: "authError", Message: "Request had invalid authentication credentials."}, warehouse.CodeBadCredentials},
		"what nobody foresaw":  {bqfake.Failure{Status: 418, Reason: "teapot", Message: "I am a teapot"}, warehouse.CodeInternal},
		"forbidden, no reason": {bqfake.Failure{Status: 403}, warehouse.CodeAccessDenied},
	} {
		t.Run(name, func(t *testing.T) {
			fake := shop(t)
			w := open(t, fake, nil)
			fake.Fail(bqfake.JobsDryRun, 1, c.failure)
			_, err := w.Plan(t.Context(), warehouse.Query{SQL: sql})
			checkError(t, err, c.want)

			plan, err := w.Plan(t.Context(), warehouse.Query{SQL: sql})
			if err != nil {
				t.Fatal(err)
			}
			fake.Answer(sql, bqfake.Answer{Tables: plan.Tables, JobFails: &c.failure})
			_, err = w.Run(t.Context(), plan)
			if c.failure.Reason == "" { // a job's failure always has one
				return
			}
			switch c.want {
			case warehouse.CodeInternal, warehouse.CodeBadCredentials: // not failures of jobs
			default:
				if e := checkError(t, err, c.want); e.Stats == nil || e.Stats.JobID == "" {
					t.Errorf("it does not say which job: %+v", e.Stats)
				}
			}
		})
	}
}

func checkError(t *testing.T, err error, want warehouse.Code) *warehouse.Error {
	t.Helper()
	e, ok := err.(*warehouse.Error)
	if !ok || e.Code != want {
		t.Fatalf("got %v, want %s", err, want)
	}
	if len(e.Message) < 10 || strings.Contains(e.Message, "%!") || strings.Contains(err.Error(), "gserviceaccount") {
		t.Errorf("it says %q", err)
	}
	if want == warehouse.CodeInvalidQuery && strings.Contains(e.Message, "3:14") && (e.Position == nil || *e.Position != warehouse.Position{Line: 3, Column: 14}) {
		t.Errorf("position %+v", e.Position)
	}
	return e
}

// What passes is tried again, and what is asked to be left alone is.
func TestPassingErrorsAreTriedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		call    bqfake.Call
		failure bqfake.Failure
	}{
		"a dry run":            {bqfake.JobsDryRun, bqfake.Failure{Status: 503, Reason: "backendError"}},
		"a rate limit":         {bqfake.JobsDryRun, bqfake.Failure{Status: 403, Reason: "rateLimitExceeded"}},
		"the beginning":        {bqfake.JobsInsert, bqfake.Failure{Status: 500, Reason: "internalError"}},
		"an answer lost":       {bqfake.JobsInsert, bqfake.Failure{Status: 503, Reason: "backendError", After: true}},
		"a page of the result": {bqfake.JobsQueryResult, bqfake.Failure{Status: 503, Reason: "backendError"}},
	} {
		t.Run(name, func(t *testing.T) {
			fake := shop(t)
			w := open(t, fake, nil)
			fake.Fail(c.call, 1, c.failure)
			plan, err := w.Plan(t.Context(), warehouse.Query{SQL: statements.Orders})
			if err != nil {
				t.Fatal(err)
			}
			r, err := w.Run(t.Context(), plan)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			if row, err := r.Next(t.Context()); err != nil || row[1] != "Ada" {
				t.Errorf("%v, %v", row, err)
			}
			if n := len(fake.Ran()); n != 1 {
				t.Errorf("it ran %d times", n)
			}
		})
	}
}

func TestWhatDoesNotPassEndsInTime(t *testing.T) {
	fake := shop(t)
	w := open(t, fake, func(c *Config) { c.Policy.MetadataTimeout = 2 * time.Second })
	fake.Fail(bqfake.JobsDryRun, 100, bqfake.Failure{Status: 403, Reason: "rateLimitExceeded", Header: http.Header{"Retry-After": {"7"}}})
	_, err := w.Plan(t.Context(), warehouse.Query{SQL: "SELECT 1"})
	if e := checkError(t, err, warehouse.CodeRateLimited); e.RetryAfter != 7*time.Second {
		t.Errorf("try again after %s", e.RetryAfter)
	}
	if n := fake.Calls(bqfake.JobsDryRun); n != 1 {
		t.Errorf("asked %d times within seven seconds", n)
	}

	fake = shop(t)
	w = open(t, fake, func(c *Config) { c.Policy.MetadataTimeout = 2 * time.Second })
	fake.Fail(bqfake.TablesGet, 100, bqfake.Failure{Hang: true})
	_, err = w.Table(t.Context(), orders, warehouse.TableOptions{})
	checkError(t, err, warehouse.CodeTimeout)
}

func TestUnreachable(t *testing.T) {
	fake := shop(t)
	w := open(t, fake, func(c *Config) { c.Endpoint, c.Policy.MetadataTimeout = "http://127.0.0.1:1", 2*time.Second })
	_, err := w.Plan(t.Context(), warehouse.Query{SQL: "SELECT 1"})
	checkError(t, err, warehouse.CodeBackend)
}

// The data are in the EU and the connection is in the US.
func TestLocationMismatch(t *testing.T) {
	fake := shop(t)
	fake.AddDataset("shop", "abroad", "EU")
	fake.AddTable(warehouse.TableRef{Project: "shop", Dataset: "abroad", Table: "t"}, bqfake.Table{Table: &bq.Table{}})
	w := open(t, fake, func(c *Config) { c.Allow = append(c.Allow, "shop.abroad.*") })
	_, err := w.Plan(t.Context(), warehouse.Query{SQL: "SELECT * FROM abroad.t"})
	if e := checkError(t, err, warehouse.CodeLocation); !strings.Contains(e.Message, "EU") || !strings.Contains(e.Message, "US") {
		t.Errorf("it says %q", e.Message)
	}
}

// A message may hold what the owner of a table wrote.
func TestMessagesAreCleaned(t *testing.T) {
	fake := shop(t)
	w := open(t, fake, nil)
	fake.Fail(bqfake.JobsDryRun, 1, bqfake.Failure{Status: 400, Reason: "invalidQuery",
		Message: "Unrecognized name: x\u202e\U000E0049\n for robot@shop.iam.gserviceaccount.com with ya29.a-token " + strings.Repeat("long ", 1000)})
	_, err := w.Plan(t.Context(), warehouse.Query{SQL: "SELECT 1"})
	e := checkError(t, err, warehouse.CodeInvalidQuery)
	if strings.ContainsAny(e.Message, "\u202e\U000E0049\n") || len(e.Message) > 1000 || strings.Contains(err.Error(), "robot") || strings.Contains(err.Error(), "ya29") {
		t.Errorf("it says %q", e.Message)
	}
}

// The driver's own context ends as the caller's does, whatever the call.
func TestStoppedWhileMetadataAreAsked(t *testing.T) {
	fake := shop(t)
	w := open(t, fake, nil)
	fake.Fail(bqfake.TablesGet, 1, bqfake.Failure{Hang: true})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := w.Table(ctx, orders, warehouse.TableOptions{})
	checkError(t, err, warehouse.CodeTimeout)
}
