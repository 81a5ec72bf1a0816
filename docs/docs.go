// Package docs holds the pages of this folder that goready prints itself.
//
// Its one invariant: a page is named after what it is about, checks/ID.md. It renders nothing.
package docs

import (
	"embed"
	"io/fs"
)

//go:embed checks
var pages embed.FS

// Check returns the page about the check id, in Markdown; "" if there is none.
func Check(id string) string {
	data, err := fs.ReadFile(pages, "checks/"+id+".md")
	if err != nil {
		return ""
	}
	return string(data)
}
