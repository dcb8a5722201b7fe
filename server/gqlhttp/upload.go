package gqlhttp

import (
	"net/http"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/operation"
	"github.com/mark-analyst/mark/server/upload"
)

// upload runs an operation whose files are still arriving while it runs.
func (h *Handler) upload(w http.ResponseWriter, r *http.Request, media string) {
	r = withTransport(r, "multipart")
	req, err := upload.Open(w, r, h.Upload)
	defer req.Close() //nolint:staticcheck // Open returns a request with its errors, too
	if err != nil {
		status := http.StatusBadRequest
		if fault.CodeOf(err) == fault.LimitExceeded {
			status = http.StatusRequestEntityTooLarge
		}
		req.BeforeAnswer(w)
		h.refuse(w, r, status, err)
		return
	}
	req.Params.Headers = r.Header
	op, refusal := h.Runner.Prepare(r.Context(), req.Params)
	if refusal != nil {
		req.BeforeAnswer(w)
		h.write(w, media, statusOf(refusal, media), refusal)
		return
	}
	defer op.Close()
	if h.misplaced(w, r, op, media) {
		return
	}
	if res := op.Next(); res != nil {
		req.BeforeAnswer(w)
		h.write(w, media, uploadStatus(req, res, media), res)
	}
}

// uploadStatus is 413 when the operation failed because a file was too large.
func uploadStatus(req *upload.Request, res *operation.Result, media string) int {
	if req.TooLarge() && fault.Code(res.Code()) == fault.LimitExceeded {
		return http.StatusRequestEntityTooLarge
	}
	return statusOf(res, media)
}
