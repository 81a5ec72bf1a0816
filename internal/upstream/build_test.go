package upstream

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	folder := t.TempDir()
	fileURL := (&url.URL{Scheme: "file", Path: "/" + strings.TrimPrefix(filepath.ToSlash(folder), "/")}).String()
	direct := &GoCommand{total: &meter{name: directName, always: true}}
	skip := func(u string) bool { return strings.HasPrefix(u, "https://self.example.com") }
	for _, tt := range []struct {
		name, goproxy string
		goCommand     *GoCommand
		want          string // entries with their types and separators, entries left out, or the error
	}{
		{"two", "https://a.example.com,https://b.example.com", nil, "HTTP:https://a.example.com, HTTP:https://b.example.com,"},
		{"pipe_and_direct", "a.example.com/x|direct", direct, "HTTP:https://a.example.com/x| GoCommand:direct,"},
		{"nothing_behind_off", "https://a.example.com,off,direct", direct, "HTTP:https://a.example.com, off:off,"},
		{"off", "off", nil, "off:off,"},
		{"folder", fileURL, nil, "Dir:" + fileURL + ","},
		{"password", "https://user:hunter2@a.example.com", nil, "HTTP:https://a.example.com,"},
		{"self", "https://self.example.com/x,https://a.example.com", nil, "HTTP:https://a.example.com, -https://self.example.com/x"},
		{"self_with_password", "https://user:hunter2@self.example.com|https://a.example.com", nil, "HTTP:https://a.example.com, -https://self.example.com"},
		{"no_go_command", "https://a.example.com,direct", nil, "HTTP:https://a.example.com, -direct"},
		{"only_self", "https://self.example.com", nil, "GOPROXY has only https://self.example.com: it is this server itself"},
		{"only_direct", "direct", nil, "GOPROXY has only direct: there is no go command to fetch from version control"},
		{"empty", " , ", nil, "GOPROXY list is not the empty string, but contains no entries"},
		{"unknown_word", "https://a.example.com,nonsense", nil, "invalid proxy URL missing scheme: nonsense"},
		{"insecure_password", "http://user:hunter2@a.example.com", nil, "refusing to pass credentials to insecure URL: http://a.example.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			chain, omitted, err := Build(BuildConfig{GOPROXY: tt.goproxy, GoCommand: tt.goCommand, Skip: skip})
			if got := buildText(chain, omitted, err); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestBuildWithoutSkip(t *testing.T) {
	chain, omitted, err := Build(BuildConfig{GOPROXY: "https://a.example.com"})
	if got := buildText(chain, omitted, err); got != "HTTP:https://a.example.com," {
		t.Error(got)
	}
}

func buildText(chain *Chain, omitted []Omitted, err error) string {
	if err != nil {
		return err.Error()
	}
	var parts []string
	for _, e := range chain.entries {
		kind := strings.TrimPrefix(fmt.Sprintf("%T", e.Source), "*upstream.")
		if e.Source == nil {
			kind = "off"
		}
		separator := map[bool]string{true: "|", false: ","}[e.Pipe]
		parts = append(parts, kind+":"+e.Name+separator)
	}
	for _, o := range omitted {
		parts = append(parts, "-"+o.Name)
	}
	return strings.Join(parts, " ")
}
