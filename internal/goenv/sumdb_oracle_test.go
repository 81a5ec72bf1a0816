package goenv

import "net/http"

// walkDatabase is a checksum database.
type walkDatabase struct{}

func (d *walkDatabase) serve(w http.ResponseWriter, r *http.Request, path string) {
	w.WriteHeader(http.StatusNotFound)
}
