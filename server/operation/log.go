package operation

import (
	"log/slog"
	"slices"

	"github.com/mark-analyst/mark/server/caller"
)

// loggedCodes and loggedName bound what one operation can put into the log:
// how many codes it lists and how much of a name that the client chose.
const (
	loggedCodes = 8
	loggedName  = 100
)

// note remembers the error codes of a response for the log.
func (o *Operation) note(res *Result) {
	for _, e := range res.Errors {
		code, _ := e.Extensions["code"].(string)
		if len(o.codes) < loggedCodes && !slices.Contains(o.codes, code) {
			o.codes = append(o.codes, code)
		}
	}
}

func (o *Operation) logEnd() {
	who := caller.From(o.ctx)
	name := o.Name
	if len(name) > loggedName {
		name = name[:loggedName]
	}
	attrs := []slog.Attr{
		slog.String("request_id", who.RequestID),
		slog.String("transport", who.Transport),
		slog.String("kind", string(o.Kind)),
		slog.String("name", name),
		slog.Duration("took", o.runner.Clock.Now().Sub(o.began)),
		slog.Int("responses", o.sent),
		slog.Bool("refused", o.refused),
	}
	if who.Viewer != "" {
		attrs = append(attrs, slog.String("viewer", who.Viewer))
	}
	if len(o.codes) > 0 {
		attrs = append(attrs, slog.Any("codes", o.codes))
	}
	o.runner.Logger.LogAttrs(o.ctx, slog.LevelInfo, "operation", attrs...)
}
