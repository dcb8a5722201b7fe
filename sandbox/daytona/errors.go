package daytona

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// words are what people read of this provider.
type words struct{ config Config }

// What Daytona's messages say of the two failures that its status codes do not
// tell apart from others.
var (
	quotaWords = regexp.MustCompile(`(?i)\b(quota|limit)s?\b[^.]*\b(exceed|reach)|exceeds? (the )?maximum|(exceeded|reached)[^.]*\b(quota|limit)`)
	imageWords = regexp.MustCompile(`(?i)\b(snapshot|image)\b`)
)

// failure words an error of Daytona's for a person; doing is a clause: "open a
// session". The session that it is of, if any, is gone.
func (w words) failure(doing string, err error) *execution.Error {
	if known := (*execution.Error)(nil); errors.As(err, &known) {
		return known
	}
	code := execution.CodeUnavailable
	if errors.Is(err, context.Canceled) {
		code = execution.CodeCancelled
	}
	return &execution.Error{Code: code, Message: w.sentence(doing, err), Fatal: true, Err: err}
}

func (w words) sentence(doing string, err error) string {
	status, _ := response(err)
	said := untrusted.Line(said(err))
	if r := []rune(said); len(r) > 200 {
		said = string(r[:200]) + "…"
	}
	var state *stateFailure
	switch {
	case errors.Is(err, context.Canceled):
		return "The Python session was given up before it was ready."
	case status == http.StatusUnauthorized:
		return fmt.Sprintf("Daytona at %s refuses the API key: check DAYTONA_API_KEY, and that it belongs to the organisation there.", w.host())
	case (status >= 400 && status < 500) && quotaWords.MatchString(said) && status != http.StatusNotFound:
		return "Daytona's quota is reached, so no further Python session can be had now: wait until others end, or have the organisation's limits raised. Daytona says: " + said
	case status == http.StatusTooManyRequests:
		return "Daytona limits how often it may be asked, and the limit is reached: try again in a minute."
	case status == http.StatusForbidden:
		return "Daytona refuses what this API key asks for: it needs the rights to write and to delete sandboxes. Daytona says: " + said
	case (status == http.StatusNotFound || status == http.StatusBadRequest) && imageWords.MatchString(said):
		return fmt.Sprintf("Daytona does not know %s, which Python sessions are made from: make it as deploy/daytona describes, or set MARK_DAYTONA_SNAPSHOT or MARK_DAYTONA_IMAGE to one that exists.", w.source())
	case errors.As(err, &state) && (state.state == stateBuildFailed || state.state == stateError):
		return fmt.Sprintf("Daytona could not start a sandbox made from %s (state %s): look at it in Daytona's dashboard, and see deploy/daytona for an image that works.", w.source(), state.state)
	case errors.Is(err, errStopped) || errors.As(err, &state):
		return "The Daytona sandbox of this Python session does not run any more, and its variables are lost: run the earlier steps again."
	case errors.Is(err, errRaised):
		return fmt.Sprintf("Python could not be started in a sandbox made from %s: %s. See deploy/daytona for what an image needs.", w.source(), said)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("Daytona did not %s in time; try again, and look at its dashboard if it stays so.", doing)
	case status == 0 || status >= 500:
		return fmt.Sprintf("Daytona at %s cannot be reached, or fails, so it could not %s: try again later.", w.host(), doing)
	}
	return fmt.Sprintf("Daytona could not %s: %s", doing, said)
}

// host is the API's, without anything secret that an address may hold.
func (w words) host() string {
	u, err := url.Parse(w.config.APIURL)
	if err != nil {
		return "its address"
	}
	return u.Host
}

// source names what sandboxes are made from.
func (w words) source() string {
	switch {
	case w.config.Snapshot != "":
		return "the snapshot " + w.config.Snapshot
	case w.config.Image != "":
		return "the image " + w.config.Image
	}
	return "its default snapshot"
}

// detail says what isolation is in force, as far as it was seen.
func (w words) detail(seen network) string {
	text := fmt.Sprintf("Daytona at %s: every session is a sandbox of its own, made from %s and deleted when the session ends. ", w.host(), w.source())
	switch {
	case !seen.known:
		return text + "Blocking its network is asked for; the first session will tell whether it is blocked."
	case len(seen.Reached) > 0:
		return text + "THE NETWORK IS OPEN although blocking it was asked for (a session reached " + strings.Join(seen.Reached, ", ") +
			"); MARK_DAYTONA_ALLOW_NETWORK accepts that."
	}
	text += fmt.Sprintf("Its network is blocked: seen from inside, none of %d addresses could be reached", len(w.config.Probe))
	if seen.Resolved {
		return text + ", though names can still be looked up."
	}
	return text + "."
}

// open says why a sandbox with an open network is refused.
func (w words) open(reached []string) *execution.Error {
	return &execution.Error{
		Code: execution.CodeUnavailable,
		Message: fmt.Sprintf("Daytona did not block the network of the sandbox (it reached %s), so no code is run in it: blocking needs a higher tier of the organisation. MARK_DAYTONA_ALLOW_NETWORK=true accepts an open network.",
			strings.Join(reached, ", ")),
		Fatal: true,
	}
}

func busy() *execution.Error {
	return &execution.Error{
		Code:    execution.CodeUnavailable,
		Message: "This Python session is busy with another step; wait until it has ended.",
	}
}

func closed() *execution.Error {
	return &execution.Error{Code: execution.CodeUnavailable, Message: "This Python session was closed.", Fatal: true}
}

// revived tells that a sandbox had stopped and runs again, without the variables.
func revived() *execution.Error {
	return &execution.Error{
		Code:    execution.CodeDied,
		Message: "Daytona had stopped this session's idle sandbox. It runs again with its files, but the variables are lost and this step was not run: run the earlier steps again, then this one.",
	}
}

// lost tells that a sandbox stopped in the middle of a step; the next step has it
// started again.
func lost(err error) *execution.Error {
	return &execution.Error{
		Code:    execution.CodeDied,
		Message: "Daytona stopped the sandbox in the middle of the step. The variables are lost: run the earlier steps again.",
		Err:     err,
	}
}

func timedOut(err error) *execution.Error {
	return &execution.Error{
		Code:    execution.CodeTimeout,
		Message: "The step ran out of time and Daytona ended the session. The variables are lost; try less data or a cheaper method.",
		Fatal:   true,
		Err:     err,
	}
}

func broken(err error) *execution.Error {
	return &execution.Error{
		Code:    execution.CodeProtocol,
		Message: "The code interfered with the channel between Python and the server, so the session was ended. The variables are lost.",
		Fatal:   true,
		Err:     err,
	}
}
