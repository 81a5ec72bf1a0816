package proxy

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// maxIndex is how many versions one answer of /index has, as at index.golang.org.
const maxIndex = 2000

// serveIndex answers /index?since=TIME&limit=N: the versions that were seen since then, oldest first, one JSON object a
// line, in the format of index.golang.org.
func (s *Server) serveIndex(w http.ResponseWriter, r *http.Request) error {
	if s.config.Index == nil {
		return &pathError{text: "not found: this module proxy keeps no index", notFound: true}
	}
	q := r.URL.Query()
	var since time.Time
	if v := q.Get("since"); v != "" {
		var err error
		if since, err = time.Parse(time.RFC3339, v); err != nil {
			return &pathError{text: "bad request: since is no time as in RFC 3339, such as 2026-01-02T15:04:05Z"}
		}
	}
	limit := maxIndex
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return &pathError{text: "bad request: limit is no number above 0"}
		}
		limit = min(n, maxIndex)
	}
	entries, err := s.config.Index.Since(since, limit)
	if err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"] = s.headers.contentType[kindIndex]
	h["Cache-Control"] = s.headers.noStore
	h["X-Content-Type-Options"] = s.headers.nosniff
	enc := json.NewEncoder(w)
	for _, e := range entries {
		if err := enc.Encode(e); err != nil {
			return errClientGone
		}
	}
	return nil
}
