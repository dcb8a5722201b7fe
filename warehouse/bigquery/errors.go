package bigquery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/bigquery"
	"golang.org/x/oauth2"
	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"

	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/internal/untrusted"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/nearest"
)

// friendly is what is said about a code; what BigQuery says follows where it
// helps to mend the statement.
var friendly = map[warehouse.Code]string{
	warehouse.CodeNotFound:         "BigQuery does not have it: %s",
	warehouse.CodeAccessDenied:     "The account of this connection may not do that in BigQuery. Ask whoever looks after the connection to grant it, or use other tables.",
	warehouse.CodeBadCredentials:   "BigQuery does not accept the credentials of this connection. Whoever looks after the server must renew them.",
	warehouse.CodeLocation:         "The data are in another location than the connection. Use tables in its location, or set up a connection for the other.",
	warehouse.CodeQuotaExceeded:    "A quota of the BigQuery project is used up. Try again later, or ask whoever looks after the project to raise it.",
	warehouse.CodeRateLimited:      "BigQuery is asked too often. Try again in a minute.",
	warehouse.CodeBackend:          "BigQuery is out of order or cannot be reached. Try again in a few minutes.",
	warehouse.CodeInvalidQuery:     "BigQuery does not understand the statement: %s",
	warehouse.CodeResponseTooLarge: "The result is too large for BigQuery to return. Aggregate, filter or add LIMIT.",
	warehouse.CodeResources:        "The query needs more than BigQuery gives one query. Join and sort less at once, or aggregate first.",
	warehouse.CodeBilledLimit:      "BigQuery refused the query because it would bill more than was allowed; nothing was billed. Plan it again.",
	warehouse.CodeTimeout:          "BigQuery took too long. Try again, or ask for less.",
	warehouse.CodeCancelled:        "It was stopped.",
	warehouse.CodeInternal:         "BigQuery answered with something nobody expected. Try again; if it stays so, tell whoever looks after the server.",
}

// reasons are BigQuery's reasons of failures.
var reasons = map[string]warehouse.Code{
	"accessDenied": warehouse.CodeAccessDenied, "forbidden": warehouse.CodeAccessDenied, "billingNotEnabled": warehouse.CodeAccessDenied,
	"insufficientPermissions": warehouse.CodeAccessDenied, "accessNotConfigured": warehouse.CodeAccessDenied,
	"authError": warehouse.CodeBadCredentials, "required": warehouse.CodeBadCredentials, "expired": warehouse.CodeBadCredentials,
	"notFound": warehouse.CodeNotFound, "invalidQuery": warehouse.CodeInvalidQuery,
	"quotaExceeded": warehouse.CodeQuotaExceeded, "dailyLimitExceeded": warehouse.CodeQuotaExceeded,
	"rateLimitExceeded": warehouse.CodeRateLimited, "jobRateLimitExceeded": warehouse.CodeRateLimited, "userRateLimitExceeded": warehouse.CodeRateLimited,
	"backendError": warehouse.CodeBackend, "internalError": warehouse.CodeBackend, "tableUnavailable": warehouse.CodeBackend,
	"responseTooLarge": warehouse.CodeResponseTooLarge, "resourcesExceeded": warehouse.CodeResources,
	"bytesBilledLimitExceeded": warehouse.CodeBilledLimit, "billingTierLimitExceeded": warehouse.CodeResources,
	"timeout": warehouse.CodeTimeout, "stopped": warehouse.CodeCancelled,
}

// wordings are what messages tell more than their reasons do.
var wordings = []struct {
	words string
	code  warehouse.Code
}{
	{"limit for bytes billed", warehouse.CodeBilledLimit},
	{"in different locations", warehouse.CodeLocation},
	{"cannot read in location", warehouse.CodeLocation},
	{"job timed out", warehouse.CodeTimeout},
	{"job execution was cancelled: job timed out", warehouse.CodeTimeout},
	{"resources exceeded", warehouse.CodeResources},
	{"response too large", warehouse.CodeResponseTooLarge},
}

// explain says what a failure means. Query is the statement that failed, or nil;
// with it come suggestions, for which metadata are asked within ctx.
func (w *Warehouse) explain(ctx context.Context, err error, query *warehouse.Query) *warehouse.Error {
	var ready *warehouse.Error
	if errors.As(err, &ready) {
		return ready
	}
	status, reason, message := parts(err)
	code := classify(ctx, err, status, reason, message)
	out := newError(code, message, err)
	switch code {
	case warehouse.CodeRateLimited:
		if out.RetryAfter = retryAfter(err); out.RetryAfter == 0 {
			out.RetryAfter = time.Minute
		}
	case warehouse.CodeBackend:
		out.RetryAfter = retryAfter(err)
	case warehouse.CodeInvalidQuery:
		out.Position = positionIn(message)
	case warehouse.CodeNotFound:
		if elsewhere := w.elsewhere(ctx, message); elsewhere != "" {
			out.Code, out.Message = warehouse.CodeLocation, elsewhere
		}
	}
	if query != nil && ctx.Err() == nil && (out.Code == warehouse.CodeInvalidQuery || out.Code == warehouse.CodeNotFound) {
		out.Suggestions = w.suggest(ctx, query.SQL, message)
		if len(out.Suggestions) > 0 {
			out.Message += nearest.Told(out.Suggestions)
		}
	}
	return out
}

// newError is an error with what is said about its code.
func newError(code warehouse.Code, message string, err error) *warehouse.Error {
	text := friendly[code]
	if strings.Contains(text, "%s") {
		text = fmt.Sprintf(text, shown(message))
	}
	return &warehouse.Error{Code: code, Message: text, Err: harmless(code, err)}
}

// parts takes an error of either client apart.
func parts(err error) (status int, reason, message string) {
	var job *bigquery.Error
	if errors.As(err, &job) {
		return 0, job.Reason, job.Message
	}
	if api := apiError(err); api != nil {
		message = api.Message
		if len(api.Errors) > 0 {
			reason = api.Errors[0].Reason
			if message == "" {
				message = api.Errors[0].Message
			}
		}
		return api.Code, reason, message
	}
	return 0, "", ""
}

func classify(ctx context.Context, err error, status int, reason, message string) warehouse.Code {
	lower := strings.ToLower(message)
	for _, w := range wordings {
		if strings.Contains(lower, w.words) {
			return w.code
		}
	}
	if code, known := reasons[reason]; known {
		return code
	}
	switch {
	case isAuth(err) || status == http.StatusUnauthorized:
		return warehouse.CodeBadCredentials
	case status == http.StatusForbidden:
		return warehouse.CodeAccessDenied
	case status == http.StatusNotFound:
		return warehouse.CodeNotFound
	case status == http.StatusTooManyRequests:
		return warehouse.CodeRateLimited
	case status == http.StatusBadRequest || reason == "invalid":
		return warehouse.CodeInvalidQuery
	case status >= 500:
		return warehouse.CodeBackend
	case errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled):
		return warehouse.CodeCancelled
	case status == 0 && reason == "" && passes(err):
		return warehouse.CodeBackend // not reachable, until the time was over
	case errors.Is(err, context.DeadlineExceeded) || errors.Is(ctx.Err(), context.DeadlineExceeded):
		return warehouse.CodeTimeout
	}
	return warehouse.CodeInternal
}

func apiError(err error) *googleapi.Error {
	var api *googleapi.Error
	if errors.As(err, &api) {
		return api
	}
	return nil
}

// isAuth tells whether a token could not be had.
func isAuth(err error) bool {
	var newer *auth.Error
	var older *oauth2.RetrieveError
	return errors.As(err, &newer) || errors.As(err, &older) ||
		err != nil && (strings.Contains(err.Error(), "oauth2: ") || strings.Contains(err.Error(), "auth: ") || strings.Contains(err.Error(), "credentials: "))
}

// badCredentials is the error of credentials that cannot be read at all, or that
// nobody has made.
func badCredentials(err error) *warehouse.Error {
	e := newError(warehouse.CodeBadCredentials, "", err)
	if err != nil && strings.Contains(err.Error(), "could not find default credentials") { // it has no type
		e.Message = "This server has no application default credentials. Whoever looks after it must make them (gcloud auth application-default login), or name a key's file in the connection."
	}
	return e
}

// notThere is the answer for what is not there, and for what is not on the list.
func notThere(what string) *warehouse.Error {
	return newError(warehouse.CodeNotFound, "Not found: "+what, nil)
}

// jobError makes an error of what a job says of its failure.
func jobError(p *bq.ErrorProto) error {
	return &bigquery.Error{Location: p.Location, Message: p.Message, Reason: p.Reason}
}

var at = regexp.MustCompile(`(?:at |\[)\[?(\d+):(\d+)\]`)

// positionIn finds a position like "at [3:14]" in a message.
func positionIn(message string) *warehouse.Position {
	found := at.FindStringSubmatch(message)
	if found == nil {
		return nil
	}
	line, err1 := strconv.Atoi(found[1])
	column, err2 := strconv.Atoi(found[2])
	if err1 != nil || err2 != nil {
		return nil
	}
	return &warehouse.Position{Line: line, Column: column}
}

const maxMessage = 600

// shown makes a message of BigQuery fit to be shown: it may hold what a table's
// owner wrote.
func shown(message string) string {
	return cut.ToCharacters(untrusted.Line(secrets.ReplaceAllString(message, "…")), maxMessage)
}

// secrets are what tokens and keys look like.
var secrets = regexp.MustCompile(`(?s)-----BEGIN.*?(-----END[^-]*-----|$)|ya29\.[\w.-]+|eyJ[\w-]+\.[\w-]+(\.[\w-]*)?|(?i:bearer)\s+\S+|[\w.+-]+@[\w-]+\.iam\.gserviceaccount\.com`)

// harmless is a cause that may be logged. Of failures to get a token only the
// kind is kept, since answers of token services repeat what they were sent.
func harmless(code warehouse.Code, err error) error {
	if err == nil {
		return nil
	}
	if code == warehouse.CodeBadCredentials {
		var token *auth.Error
		if errors.As(err, &token) && token.Response != nil {
			return fmt.Errorf("bigquery: the token service answered %d", token.Response.StatusCode)
		}
		if status, reason, _ := parts(err); status != 0 {
			return fmt.Errorf("bigquery: status %d, reason %q", status, reason)
		}
		return errors.New("bigquery: no token")
	}
	if text := err.Error(); secrets.MatchString(text) {
		return errors.New(secrets.ReplaceAllString(text, "…"))
	}
	return err
}
