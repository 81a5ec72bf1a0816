package upstream

import (
	"errors"
	"strings"
	"testing"
)

// The texts were printed by go 1.26 with git 2.39 and 2.4x, or are in their source.
func TestClassify(t *testing.T) {
	const noProtocol = "example.com/m.git@latest: no secure protocol found for repository"
	for _, tt := range []struct{ name, text, pings, want string }{
		{"unknown_revision", "example.com/m@v1.9.0: invalid version: unknown revision v1.9.0", "", "not_exist"},
		{"no_versions", "module example.com/m/none: no matching versions for query \"latest\"", "", "not_exist"},
		{"other_go_mod", "example.com/m/v2@v1.0.0: invalid version: go.mod has non-.../v2 module path \"example.com/m\" (and .../v2/go.mod does not exist) at revision v1.0.0", "", "not_exist"},
		{"missing_go_mod", "example.com/m/sub@v1.0.0: invalid version: missing sub/go.mod at revision sub/v1.0.0", "", "not_exist"},
		{"no_meta_tag", "example.com/m@latest: unrecognized import path \"example.com/m\": parse https://example.com/m?go-get=1: no go-import meta tags ()", "", "not_exist"},
		{"page_404", "example.com/m@latest: unrecognized import path \"example.com/m\": reading https://example.com/m?go-get=1: 404 Not Found", "", "not_exist"},
		{"forge_path", "github.com/foo@latest: invalid github.com import path \"github.com/foo\"", "", "not_exist"},
		{"git_404", "example.com/m@latest: invalid version: git ls-remote -q --end-of-options origin in …/mod/cache/vcs/ab: exit status 128:\n\tfatal: repository 'https://example.com/m/' not found", "", "not_exist"},
		{"incompatible", "example.com/m@v2.0.0+incompatible: invalid version: +incompatible suffix not allowed: module contains a go.mod file, so module path must match major version (\"example.com/m/v2\")", "", "not_exist"},

		{"prompt", "example.com/m@latest: invalid version: git ls-remote -q origin: exit status 128:\n\tfatal: could not read Username for 'https://example.com': terminal prompts disabled\nConfirm the import path was entered correctly.", "", "refused"},
		{"wrong_password", "git ls-remote: exit status 128:\n\tremote: HTTP Basic: Access denied\n\tfatal: Authentication failed for 'https://example.com/m/'", "", "refused"},
		{"git_403", "fatal: unable to access 'https://example.com/m/': The requested URL returned error: 403", "", "refused"},
		{"ssh_key", "git ls-remote: exit status 128:\n\tgit@example.com: Permission denied (publickey).\n\tfatal: Could not read from remote repository.", "", "refused"},
		{"page_401", "unrecognized import path \"example.com/m\": reading https://example.com/m?go-get=1: 401 Unauthorized", "", "refused"},
		{"govcs", "GOVCS disallows using svn for public example.com/m; see 'go help vcs'", "", "refused"},

		{"dns", "unrecognized import path \"example.com/m\": https fetch: Get \"https://example.com/m?go-get=1\": dial tcp: lookup example.com: no such host", "", "unavailable"},
		{"git_dns", "fatal: unable to access 'https://example.com/m/': Could not resolve host: example.com", "", "unavailable"},
		{"git_500", "fatal: unable to access 'https://example.com/m/': The requested URL returned error: 500", "", "unavailable"},
		{"page_503", "unrecognized import path \"example.com/m\": reading https://example.com/m?go-get=1: 503 Service Unavailable", "", "unavailable"},
		{"timeout", "https fetch: Get \"https://example.com/m?go-get=1\": net/http: TLS handshake timeout", "", "unavailable+deadline"},
		{"certificate", "https fetch: Get \"https://example.com/m?go-get=1\": tls: failed to verify certificate: x509: certificate signed by unknown authority", "", "unavailable"},
		{"host_key", "git ls-remote: exit status 128:\n\tHost key verification failed.\n\tfatal: Could not read from remote repository.", "", "unavailable"},
		{"broken_off", "git fetch: exit status 128:\n\tfetch-pack: unexpected disconnect while reading sideband packet\n\tfatal: early EOF", "", "unavailable"},

		{"ssh_no_repository", "git ls-remote: exit status 128:\n\tERROR: Repository not found.\n\tfatal: Could not read from remote repository.", "", "unavailable"},
		{"unknown", "something new", "", "unavailable"},
		{"empty", "", "", "unavailable"},
		{"local_permission", "mkdir …/mod: permission denied", "", "unavailable"},
		{"too_large", "example.com/m@v1.0.0: create zip: module source tree too large (max size is 524288000 bytes)", "", "too_large"},

		// A refusal or an outage on the way beats what follows from it.
		{"outage_and_no", "no matching versions for query \"latest\"\nfatal: unable to access: Connection refused", "", "unavailable"},
		{"refusal_and_outage", "Connection refused\nfatal: could not read Username", "", "refused"},

		{"no_protocol", noProtocol, "", "unavailable"},
		{"no_protocol_404", noProtocol, "fatal: repository 'https://example.com/m/' not found\nfatal: Could not read from remote repository.", "unavailable"},
		{"no_protocol_prompt", noProtocol, "fatal: could not read Username for 'https://example.com': terminal prompts disabled", "refused"},
		{"no_protocol_dns", noProtocol, "fatal: unable to access 'https://example.com/m/': Could not resolve host: example.com", "unavailable"},
		{"pings_of_success", "example.com/m@v1.9.0: invalid version: unknown revision v1.9.0", "ssh: connection refused", "not_exist"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := classify(tt.text, tt.pings)
			wantKind(t, err, tt.want)
			if err.From != directName || err.Text == "" && tt.text != "" {
				t.Errorf("%+v", err)
			}
			down := strings.Contains(tt.want, "unavailable") && containsAny(strings.ToLower(tt.text+tt.pings), outages)
			if got := errors.Is(err, ErrUnavailable) && !errors.Is(err, errUnclear); got != down {
				t.Errorf("the host is taken to be down: %v, want %v", got, down)
			}
		})
	}
	err := classify("fatal: unable to access 'https://oauth2:hunter2@example.com/m/': The requested URL returned error: 403", "")
	if strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("a: unknown revision v1", "")
	f.Add("no secure protocol found for repository", "fatal: could not read Username")
	f.Fuzz(func(t *testing.T, text, pings string) {
		switch got := kindText(classify(text, pings)); got {
		case "not_exist", "refused", "too_large", "unavailable", "unavailable+deadline":
		default:
			t.Errorf("%q", got)
		}
		// Whatever the text is, an outage in it is never a "no".
		if got := kindText(classify(text+"\nconnection refused", "")); got == "not_exist" {
			t.Errorf("%q is a no", text)
		}
	})
}
