package gqlhttp

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// The media types that a response can have.
const (
	mediaJSON     = "application/json"
	mediaResponse = "application/graphql-response+json"
	mediaEvents   = "text/event-stream"
)

// negotiate picks the media type of the response from the header Accept, or ""
// when the client takes none of ours. Without the header, and under a
// wildcard, it is application/json, as the specification demands of servers
// until its "watershed".
func negotiate(r *http.Request) string {
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return mediaJSON
	}
	best, bestQuality, bestRank := "", 0.0, 0
	for _, item := range strings.Split(accept, ",") {
		media, params, err := mime.ParseMediaType(item)
		if err != nil {
			continue
		}
		if c := params["charset"]; c != "" && !strings.EqualFold(c, "utf-8") {
			continue
		}
		quality := 1.0
		if q, given := params["q"]; given {
			if quality, err = strconv.ParseFloat(q, 64); err != nil || quality <= 0 {
				continue
			}
		}
		// Of equal quality a type that is named beats a wildcard, and the
		// first one named beats those after it.
		rank := 2
		switch media {
		case mediaJSON, mediaResponse, mediaEvents:
		case "application/*", "*/*":
			media, rank = mediaJSON, 1
		default:
			continue
		}
		if quality > bestQuality || quality == bestQuality && rank > bestRank {
			best, bestQuality, bestRank = media, quality, rank
		}
	}
	return best
}
