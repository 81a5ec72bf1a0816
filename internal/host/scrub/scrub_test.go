package scrub_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/goready/goready/internal/host"
	"github.com/goready/goready/internal/host/scrub"
)

var linux = host.Platform{OS: "linux", Arch: "amd64"}

// scrubFile returns what becomes of a file.
func scrubFile(name, text string) string {
	f := host.FromFiles(linux, nil, map[string]string{name: text})
	return sameMarks(string(*scrub.Fixture(f, scrub.Options{}).Files[name].Content))
}

// sameMarks makes the marks of different secrets the same.
func sameMarks(text string) string {
	return regexp.MustCompile(`xxxxx([0-9]*:?%@|[0-9]+)`).ReplaceAllStringFunc(text, func(mark string) string {
		if strings.HasSuffix(mark, "@") {
			return "xxxxx@"
		}
		return "xxxxx"
	})
}

// TestMarks: what differed differs, what was the same is the same, and an invalid URL is one.
func TestMarks(t *testing.T) {
	f := host.FromFiles(linux, []string{"A_TOKEN=one", "B_TOKEN=two", "C_TOKEN=one", "P=http://u:a%4@h,http://u:b%40@h,http://u:a%4@h,http://c%@h"},
		map[string]string{"/x": "TOKEN=two\n", "/y": "TOKEN=three\n"})
	got := scrub.Fixture(f, scrub.Options{})
	want := []string{"A_TOKEN=xxxxx", "B_TOKEN=xxxxx2", "C_TOKEN=xxxxx", "P=http://xxxxx4:%@h,http://xxxxx6@h,http://xxxxx4:%@h,http://xxxxx7%@h"}
	if diff := cmp.Diff(want, got.Env); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for name, want := range map[string]string{"/x": "TOKEN=xxxxx2\n", "/y": "TOKEN=xxxxx8\n"} {
		if text := string(*got.Files[name].Content); text != want {
			t.Errorf("%s: %q, want %q", name, text, want)
		}
	}
	if again := text(t, scrub.Fixture(got, scrub.Options{})); again != text(t, got) {
		t.Errorf("the second time it is %s", again)
	}
	c := scrub.NewCleaner(got)
	if text := c.Value("P", "http://xxxxx4:%@h,http://xxxxx7%@h and xxxxx12"); text != "http://xxxxx@h,http://xxxxx@h and xxxxx" {
		t.Errorf("a Cleaner makes it %q", text)
	}
}

// In the texts of the tests, § is a secret, and ¶ one that can be told by its form (put together here, so that the
// source has none).
const (
	secret = "Tr0ub4dor&3x"
	token  = "gh" + "p_0123456789abcdefghijABCDEFGHIJ012345"
)

func plant(text string) string {
	return strings.NewReplacer("§", secret, "¶", token).Replace(text)
}

func TestFiles(t *testing.T) {
	tests := []struct{ name, file, text, want string }{
		{"go_env_url", "/h/.config/go/env", "GOPROXY=https://u:§@p.example.com|https://q.example.com,direct\nGOFLAGS=-mod=mod\n", "GOPROXY=https://xxxxx@p.example.com|https://q.example.com,direct\nGOFLAGS=-mod=mod\n"},
		{"url_user_only", "/f", "x https://§@h.example.com/a@v1 y", "x https://xxxxx@h.example.com/a@v1 y"},
		{"url_git_user_stays", "/f", "ssh://git@h.example.com/x git@h.example.com:x", "ssh://git@h.example.com/x git@h.example.com:x"},
		{"url_reference_stays", "/f", "https://u:$T@h https://$U:${T}@h https://u:${T:-§}@h https://%U%:%T%@h http://${env:T}@h", "https://u:$T@h https://$U:${T}@h https://xxxxx@h https://%U%:%T%@h http://${env:T}@h"},
		{"url_two_ats", "/f", "http://u:a@b§@h/", "http://xxxxx@h/"},
		{"url_slash_in_password", "/f", "http://u:pa/ss§@h:80/x", "http://xxxxx@h:80/x"},
		{"url_question_in_password", "/f", "http://u:pa?ss§@h:80/x", "http://xxxxx@h:80/x"},
		{"url_port_is_no_password", "/f", "http://h:8080/x@v1.0.0", "http://h:8080/x@v1.0.0"},
		{"url_in_json", "/s.json", `{"http.proxy": "http:\/\/u:§@h:1"}`, `{"http.proxy": "http:\/\/xxxxx@h:1"}`},
		{"url_query", "/h/.config/go/env", "GOPROXY=https://p.example.com?access_token=Tr0ub4dor&b=c,direct\n", "GOPROXY=https://p.example.com?access_token=xxxxx&b=c,direct\n"},
		{"proxy_without_scheme", "/f", "HTTP_PROXY=u:§@h:8080", "HTTP_PROXY=xxxxx@h:8080"},
		{"module_versions_stay", "/f", "golang.org/x/mod@v0.1.0 img:1.2@sha256:abcdef user@1000.service", "golang.org/x/mod@v0.1.0 img:1.2@sha256:abcdef user@1000.service"},
		{"git_url_rewrite", "/h/.gitconfig", "[url \"https://oauth2:§@git.example.com/\"]\n\tinsteadOf = https://git.example.com/\n", "[url \"https://xxxxx@git.example.com/\"]\n\tinsteadOf = https://git.example.com/\n"},
		{"git_credentials", "/h/.git-credentials", "https://u:§@h\n", "https://xxxxx@h\n"},
		{"git_extra_header", "/h/.gitconfig", "\textraHeader = Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("u:"+secret)), "\textraHeader = Authorization: xxxxx"},
		{"netrc", "/h/.netrc", "machine h.example.com\n  login u§\n  password §\nmachine i login a password § # x\n", "machine h.example.com\n  login xxxxx\n  password xxxxx\nmachine i login xxxxx password xxxxx # x\n"},
		{"netrc_other_name", "/h/my-netrc", "machine h login § password §", "machine h login xxxxx password xxxxx"},
		{"npmrc", "/h/.npmrc", "//r.example.com/:_authToken=§\n//r.example.com/:_password=§\n_auth=§\nregistry=https://r.example.com/\n", "//r.example.com/:_authToken=xxxxx\n//r.example.com/:_password=xxxxx\n_auth=xxxxx\nregistry=https://r.example.com/\n"},
		{"docker", "/h/.docker/config.json", `{"auths":{"r.example.com":{"auth":"§","identitytoken":"§"}},"credsStore":"desktop"}`, `{"auths":{"r.example.com":{"auth":"xxxxx","identitytoken":"xxxxx"}},"credsStore":"desktop"}`},
		{"bash_export", "/h/.bashrc", "export MY_TOKEN=§ GOPROXY=direct; export A=b\n", "export MY_TOKEN=xxxxx GOPROXY=direct; export A=b\n"},
		{"bash_quotes", "/h/.bashrc", "export DB_PASSWORD='a b §' X=\"y\" API_KEY=\"§\"\n", "export DB_PASSWORD='xxxxx' X=\"y\" API_KEY=\"xxxxx\"\n"},
		{"bash_mixed_quotes", "/h/.profile", "TOKEN=a\"§\"'§' A=b\n", "TOKEN=xxxxx A=b\n"},
		{"bash_quotes_then_word", "/h/.profile", "TOKEN=\"§\"abc A=b\n", "TOKEN=xxxxx A=b\n"},
		{"bash_ansi_quotes", "/h/.profile", "TOKEN=$'§'\n", "TOKEN=$'xxxxx'\n"},
		{"bash_two_lines", "/h/.profile", "TOKEN=\"abc\n§\"\nA=b\n", "TOKEN=\"xxxxx\n\"\nA=b\n"},
		{"bash_reference", "/h/.bashrc", "export MY_TOKEN=$OTHER KEY=${NAME} PW=$(pass show x) A=`b`\n", "export MY_TOKEN=$OTHER KEY=${NAME} PW=$(pass show x) A=`b`\n"},
		{"bash_default", "/h/.bashrc", "export MY_TOKEN=${MY_TOKEN:-§}\n", "export MY_TOKEN=xxxxx\n"},
		{"bash_curl", "/h/.bashrc", "curl -u u:§ -H 'X-Api-Key: §' -H \"Authorization: Bearer §\" https://h\n", "curl -u xxxxx -H 'X-Api-Key: xxxxx' -H \"Authorization: xxxxx\" https://h\n"},
		{"harmless_names", "/h/.bashrc", "KEYBOARD=us KEYMAP=de PWD=/x OLDPWD=/y AUTHOR=me GOAUTH=netrc PATH=/a:/b MONKEY=1 XAUTHORITY=/h/.Xauthority SSH_AUTH_SOCK=/run/x KEY_FILE=/h/key GIT_ASKPASS=/x GPG_TTY=z\n", "KEYBOARD=us KEYMAP=de PWD=/x OLDPWD=/y AUTHOR=me GOAUTH=netrc PATH=/a:/b MONKEY=1 XAUTHORITY=/h/.Xauthority SSH_AUTH_SOCK=/run/x KEY_FILE=/h/key GIT_ASKPASS=/x GPG_TTY=z\n"},
		{"key_names", "/h/.bashrc", "SSH_KEY=§ MYSQL_PWD=§ DBPASS=§ AWS_SECRET_ACCESS_KEY=§ GITHUB_PAT=§ apiKey=§ KEY=§ REDISCLI_AUTH=§\n", "SSH_KEY=xxxxx MYSQL_PWD=xxxxx DBPASS=xxxxx AWS_SECRET_ACCESS_KEY=xxxxx GITHUB_PAT=xxxxx apiKey=xxxxx KEY=xxxxx REDISCLI_AUTH=xxxxx\n"},
		{"fish", "/h/.config/fish/config.fish", "set -gx MY_TOKEN § two; set -gx GOPROXY direct\n", "set -gx MY_TOKEN xxxxx\n"},
		{"fish_variables", "/h/.config/fish/fish_variables", "SETUVAR --export MY_TOKEN:Tr0ub4dor\\x263x\nSETUVAR GOPROXY:https\\x3a//u\\x3aabc\\x40p\\x2eexample\\x2ecom\nSETUVAR X:a\\x3ab\\x1ec\\xzz\n",
			"SETUVAR --export MY_TOKEN:xxxxx\nSETUVAR GOPROXY:https\\x3a//xxxxx\\x40p\\x2eexample\\x2ecom\nSETUVAR X:a\\x3ab\\x1ec\\xzz\n"},
		{"pam_environment", "/h/.pam_environment", "MY_TOKEN DEFAULT=§ OVERRIDE=\"a §\"\nA_KEY\tDEFAULT=§\nGOPROXY DEFAULT=direct\nB_KEY DEFAULT=${HOME}\n",
			"MY_TOKEN DEFAULT=xxxxx OVERRIDE=xxxxx\nA_KEY\tDEFAULT=xxxxx\nGOPROXY DEFAULT=direct\nB_KEY DEFAULT=${HOME}\n"},
		{"c_macro", "/h/.profile", "export CGO_CFLAGS=-DKEY=§ CFLAGS='-DDEBUG=1 -DAPI_TOKEN=§'\n", "export CGO_CFLAGS=-DKEY=xxxxx CFLAGS='-DDEBUG=1 -DAPI_TOKEN=xxxxx'\n"},
		{"header_in_other_file", "/h/.extra", "curl -H 'X-Api-Key: §' -H \"X-Token: a § b\" https://example.com\n", "curl -H 'X-Api-Key: xxxxx' -H \"X-Token: xxxxx\" https://example.com\n"},
		{"csh", "/h/.cshrc", "setenv MY_TOKEN §\nsetenv GOPROXY direct\n", "setenv MY_TOKEN xxxxx\nsetenv GOPROXY direct\n"},
		{"powershell", "/h/profile.ps1", "$env:MY_TOKEN = \"§\"\n[Environment]::SetEnvironmentVariable(\"MY_TOKEN\", \"§\", \"User\")\n", "$env:MY_TOKEN = \"xxxxx\"\n[Environment]::SetEnvironmentVariable(\"MY_TOKEN\", \"xxxxx\", \"User\")\n"},
		{"cmd", "/x.cmd", "setx MY_TOKEN §\r\nset GOPROXY=direct\r\nset MY_TOKEN=§\r\n", "setx MY_TOKEN xxxxx\r\nset GOPROXY=direct\r\nset MY_TOKEN=xxxxx\r\n"},
		{"launchctl", "/h/.zprofile", "launchctl setenv MY_TOKEN §\n", "launchctl setenv MY_TOKEN xxxxx\n"},
		{"plist", "/h/Library/LaunchAgents/x.plist", "<key>GOPROXY</key>\n<string>direct</string>\n<key>MY_TOKEN</key>\n\t<string>§</string>\n", "<key>GOPROXY</key>\n<string>direct</string>\n<key>MY_TOKEN</key>\n\t<string>xxxxx</string>\n"},
		{"maven", "/h/.m2/settings.xml", "<server><username>u</username><password>§</password></server>", "<server><username>u</username><password>xxxxx</password></server>"},
		{"nuget", "/h/NuGet.Config", `<add key="ClearTextPassword" value="§" />`, `<add key="ClearTextPassword" value="xxxxx" />`},
		{"systemd_unit", "/etc/systemd/system/x.service", "[Service]\nEnvironment=MY_TOKEN=§ GOPROXY=direct \"API_KEY=§\"\nEnvironmentFile=/etc/x\nPassEnvironment=TOKEN\n", "[Service]\nEnvironment=MY_TOKEN=xxxxx GOPROXY=direct \"API_KEY=xxxxx\"\nEnvironmentFile=/etc/x\nPassEnvironment=TOKEN\n"},
		{"crontab", "/var/spool/cron/crontabs/u", "MY_TOKEN=two words §\nGOPROXY=direct\n* * * * * TOKEN=§ /bin/x\n", "MY_TOKEN=xxxxx\nGOPROXY=direct\n* * * * * TOKEN=xxxxx /bin/x\n"},
		{"env_file_words", "/w/.env", "PASSWORD=my long § phrase\r\nexport B_SECRET = § x\r\nGOPROXY=direct\r\n", "PASSWORD=xxxxx\r\nexport B_SECRET = xxxxx\r\nGOPROXY=direct\r\n"},
		{"settings", "/h/settings.json", "{\n \"go.toolsEnvVars\": {\"GOPROXY\": \"https://u:§@h\", \"MY_TOKEN\": \"§\"}, // token: §\n \"maxTokens\": 4096, \"git.useIntegratedAskPass\": true, \"editor.tokenColorCustomizations\": {\"a\": \"b\"},\n \"http.proxyAuthorization\": \"Basic §\"}\n", "{\n \"go.toolsEnvVars\": {\"GOPROXY\": \"https://xxxxx@h\", \"MY_TOKEN\": \"xxxxx\"}, // token: xxxxx\n \"maxTokens\": 0, \"git.useIntegratedAskPass\": true, \"editor.tokenColorCustomizations\": {\"a\": \"b\"},\n \"http.proxyAuthorization\": \"xxxxx\"}\n"},
		{"json_list", "/x.json", `{"tokens": ["§", "§"], "args": ["--token", "§", "-v"], "a": "b"}`, `{"tokens": ["xxxxx", "xxxxx"], "args": ["--token", "xxxxx", "-v"], "a": "b"}`},
		{"json_in_json", "/x.json", `{"x": "{\"token\": \"§\", \"a\": \"b\"}"}`, `{"x": "{\"token\": \"xxxxx\", \"a\": \"b\"}"}`},
		{"yaml", "/h/.config/gh/hosts.yml", "h.example.com:\n    oauth_token: § x\n    user: u\n", "h.example.com:\n    oauth_token: xxxxx\n    user: u\n"},
		{"yaml_block", "/x.yml", "a:\n  secret: |\n    one §\n\n    two §\n  b: c\n", "a:\n  secret: |\n    xxxxx\n\n\n  b: c\n"},
		{"ini", "/h/.pypirc", "[x]\nusername = u\npassword = § two\n", "[x]\nusername = u\npassword = xxxxx\n"},
		{"header", "/x.http", "GET /\nAuthorization: Digest username=\"u\", response=\"§\"\nCookie: a=§; b=§\nHost: h\n", "GET /\nAuthorization: xxxxx\nCookie: xxxxx\nHost: h\n"},
		{"tokens", "/x", "a ¶ b, (¶), x¶", "a xxxxx b, (xxxxx), xxxxxx"},
		{"jwt", "/x", "y ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1g z", "y xxxxx z"},
		{"aws", "/x", "id AKI" + "AIOSFODNN7EXAMPLE end AKIAlowercaseisnone000", "id xxxxx end AKIAlowercaseisnone000"},
		{"slack_and_gitlab", "/x", "xox" + "b-123456789012-abcdef glp" + "at-abcdef12345_xyz npm" + "_abcdefghijklmnopqrstuvwxyz0123456789", "xxxxx xxxxx xxxxx"},
		{"private_key", "/h/.ssh/id", "a\n-----BEGIN OPENSSH PRIVATE" + " KEY-----\n§\nAAAA\n\n-----END OPENSSH PRIVATE" + " KEY-----\nb\n", "a\n-----BEGIN OPENSSH PRIVATE" + " KEY-----\nxxxxx\nxxxxx\n\n-----END OPENSSH PRIVATE" + " KEY-----\nb\n"},
		{"private_key_cut_short", "/x", "-----BEGIN PRIVATE" + " KEY-----\r\n§\r\n§", "-----BEGIN PRIVATE" + " KEY-----\r\nxxxxx\r\nxxxxx"},
		{"private_key_in_json", "/x.json", `{"private_key": "-----BEGIN PRIVATE` + ` KEY-----\n§\n-----END PRIVATE` + ` KEY-----\n"}`, `{"private_key": "xxxxx"}`},
		{"certificate_stays", "/ca.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"},
		{"pam_and_nsswitch_stay", "/etc/pam.d/sshd", "auth required pam_env.so\npassword: x\n", "auth required pam_env.so\npassword: x\n"},
		{"passwd_stays", "/etc/passwd", "u:x:1000:1000:me@h.example.com,,,:/home/u:/bin/bash\n", "u:x:1000:1000:me@h.example.com,,,:/home/u:/bin/bash\n"},
		{"environ_file", "/proc/1/environ", "A=b\x00MY_TOKEN=a b §\x00C=d\x00", "A=b\x00MY_TOKEN=xxxxx\x00C=d\x00"},
		{"registry", host.RegistryUser, "GOPROXY=REG_SZ:https://u:§@h,direct\nMY_TOKEN=REG_EXPAND_SZ:a b §\nPath=REG_EXPAND_SZ:%X%;C:\\b\n", "GOPROXY=REG_SZ:https://xxxxx@h,direct\nMY_TOKEN=REG_EXPAND_SZ:xxxxx\nPath=REG_EXPAND_SZ:%X%;C:\\b\n"},
		{"nothing", "/x", "plain text, a: b, x=y; tokens are used; the key is here\n", "plain text, a: b, x=y; tokens are used; the key is here\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := scrubFile(tt.file, plant(tt.text))
			if diff := cmp.Diff(plant(tt.want), got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if strings.Count(got, "\n") != strings.Count(tt.text, "\n") {
				t.Errorf("lines were added or removed")
			}
			if again := scrubFile(tt.file, got); again != got {
				t.Errorf("the second time it is %q", again)
			}
			c := scrub.NewCleaner(host.FromFiles(linux, nil, map[string]string{tt.file: plant(tt.text)}))
			if cleaned := string(c.File(tt.file, []byte(plant(tt.text)))); cleaned != got {
				t.Errorf("a Cleaner makes it %q", cleaned)
			}
		})
	}
}

// TestCleaner: what a machine's answers are cleaned to, those of its scrubbed recording are too.
func TestCleaner(t *testing.T) {
	f := host.FromFiles(linux, []string{"HOME=/h"}, map[string]string{"/h/.bashrc": plant("export MY_TOKEN=§\n")})
	c := scrub.NewCleaner(f)
	tests := []struct{ name, got, want string }{
		{"value", c.Value("GOPROXY", "https://u:pw@p.example.com,direct"), "https://xxxxx@p.example.com,direct"},
		{"value_masked_before", c.Value("GOPROXY", "https://u:xxxxx@p.example.com"), "https://xxxxx@p.example.com"},
		{"value_secret_name", c.Value("A_KEY", "short"), "xxxxx"},
		{"value_known", c.Value("NOTE", plant("a § b")), "a xxxxx b"},
		{"value_of_nothing", c.Value("", plant("TOKEN=§")), "TOKEN=xxxxx"},
		{"line", c.Line("x --password short"), "x --password xxxxx"},
		{"line_known_in_url", c.Line("a?b=" + url.QueryEscape(secret)), "a?b=xxxxx"},
		{"name_known", c.Name(plant("/h/§/x")), "/h/xxxxx/x"},
		{"name_stays", c.Name("/h/user:pw@x"), "/h/user:pw@x"},
		{"output_known_base64", c.Output(base64.StdEncoding.EncodeToString([]byte(secret))), "xxxxx"},
		{"output_json", c.Output(`{"key": "go.binary.bad", "token": 7, "text": "https://u:pw@h ` + token + `"}`), `{"key": "go.binary.bad", "token": 7, "text": "https://xxxxx@h xxxxx"}`},
		{"file", string(c.File("/h/.netrc", []byte("machine h login a password b\n"))), "machine h login xxxxx password xxxxx\n"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, tt.got, tt.want)
		}
	}
}

func TestUTF16(t *testing.T) {
	encode := func(s string) string {
		b := []byte{0xff, 0xfe}
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u), byte(u>>8))
		}
		return string(b)
	}
	got := scrubFile("/x.ps1", encode("$env:TOKEN = '"+secret+"'\r\nA\r\n"))
	if want := encode("$env:TOKEN = 'xxxxx'\r\nA\r\n"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// planted is a fixture with a different secret in each place there is.
func planted() (f *host.Fixture, secrets []string) {
	next := func() string {
		s := fmt.Sprintf("Pl4nted-%03d-s3cret", len(secrets))
		secrets = append(secrets, s)
		return s
	}
	content := func(format string) *host.Content {
		args := make([]any, strings.Count(format, "%s"))
		for i := range args {
			args[i] = next()
		}
		return new(host.Content(fmt.Sprintf(format, args...)))
	}
	f = host.FromFiles(linux, []string{
		"HOME=/home/alice", "USER=alice", "HOSTNAME=alices-laptop.corp.example.com", "MY_TOKEN=" + next(), "GOPROXY=https://u:" + next() + "@p.example.com,direct",
		"HTTPS_PROXY=u:" + next() + "@h:1", "GIT_CONFIG_VALUE_0=Authorization: Bearer " + next(), "GOFLAGS=-ldflags=-X=main.apiKey=" + next(), "NOEQUALS",
	}, nil)
	files := map[string]string{
		"/home/alice/.config/go/env":      "GOPROXY=https://%s@h/\nX_PASSWORD=%s\n",
		"/home/alice/.bashrc":             "export A_SECRET=%s\nexport B_KEY='%s'\ncurl -H \"X-Auth-Token: %s\" -u u:%s\n",
		"/home/alice/.netrc":              "machine h login %s password %s\n",
		"/home/alice/.npmrc":              "//h/:_authToken=%s\n",
		"/home/alice/.docker/config.json": `{"auths":{"h":{"auth":"%s"}}}`,
		"/home/alice/settings.json":       `{"terminal.integrated.env.linux":{"PASS":"%s"},"http.proxy":"http://u:%s@h"}`,
		"/home/alice/launch.json":         `{"env":{"DB_PASSWORD":"%s"},"args":["--password","%s","-token=%s"]}`,
		"/home/alice/key.pem":             "-----BEGIN RSA PRIVATE" + " KEY-----\n%s\n-----END RSA PRIVATE" + " KEY-----\n",
		"/etc/environment":                "SECRET=\"%s\"\n",
		"/etc/systemd/system/x.service":   "[Service]\nEnvironment=\"TOKEN=%s\"\n",
		"/etc/hostname":                   "alices-laptop\n",
		"/etc/passwd":                     "root:x:0:0:root:/root:/bin/sh\nalice:x:1000:1000:Alice Example,,555:/home/alice:/bin/bash\n",
		"/home/alice/binary":              "\xff\xfe\xfd TOKEN=%s \xff\n",
		"/home/alice/.profile":            "cd /home/alice/src; echo alice@alices-laptop malice alice2 /home/alices\n",
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f.Files[name] = &host.File{Content: content(files[name])}
	}
	f.Files["/home/alice/link"] = &host.File{Link: new("/home/alice/.bashrc")}
	f.Files["/home/alice"] = &host.File{Entries: []host.Entry{{Name: "alice-notes"}}}
	f.Files["/home/alice/broken"] = &host.File{ContentErr: &host.Failure{Kind: host.Other, Text: "dial https://u:" + next() + "@h: refused"}}
	again := next()
	f.Env = append(f.Env, "SOME_TOKEN="+again)
	f.Files["/home/alice/notes"] = &host.File{Content: new(host.Content("remember " + again + "\n"))}
	f.Runs = []host.Run{{
		Command: host.Command{Path: "/home/alice/bin/x", Args: []string{"--token", next(), "--key=" + next(), "-u", "me:" + next()}, Env: f.Env, Dir: "/home/alice"},
		Result:  &host.RunResult{Stdout: *content("A=b\x00PASSWORD=%s and more\x00"), Stderr: *content("Authorization: Basic %s=\nTOKEN=%s x y\n")},
	}}
	f.Procs = &host.ProcessTable{List: []host.RecordedProcess{{
		Process: host.Process{PID: 7, Name: "x", Exe: "/home/alice/bin/x", Args: []string{"x", "-password", next(), "API_TOKEN=" + next(), "https://a:" + next() + "@h"}},
		Env:     []string{"HOME=/home/alice", "CREDENTIAL=" + next()},
	}, {Process: host.Process{PID: 8}, EnvErr: &host.Failure{Kind: host.Other, Text: "token=" + next()}}}}
	return f, secrets
}

func text(t *testing.T, f *host.Fixture) string {
	t.Helper()
	data, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Files)) {
		if file := f.Files[name]; file.Content != nil {
			data = append(data, *file.Content...) // some are in base64 above
		}
	}
	return string(data)
}

func TestPlantedSecrets(t *testing.T) {
	f, secrets := planted()
	before := text(t, f)
	for _, names := range []bool{false, true} {
		after := text(t, scrub.Fixture(f, scrub.Options{Names: names}))
		for _, s := range secrets {
			if !strings.Contains(before, s) {
				t.Fatalf("%s was not planted", s)
			}
			if i := strings.Index(after, s); i >= 0 {
				t.Errorf("%s is left: …%.200s", s, after[max(0, i-100):])
			}
		}
	}
	if len(secrets) < 35 {
		t.Errorf("only %d secrets were planted", len(secrets))
	}
	if text(t, f) != before {
		t.Error("the original was changed")
	}
}

// TestNames replaces the user and the machine and still finds every file.
func TestNames(t *testing.T) {
	f, _ := planted()
	got := scrub.Fixture(f, scrub.Options{Names: true})
	all := text(t, got)
	for _, word := range []string{"/home/alice/", "alice@", "alices-laptop", "corp.example.com", "Alice Example", "alice-notes", `"alice"`} {
		if strings.Contains(all, word) {
			t.Errorf("%q is left", word)
		}
	}
	home := ""
	for _, kv := range got.Environ() {
		if h, ok := strings.CutPrefix(kv, "HOME="); ok {
			home = h
		}
	}
	if home != "/home/someone" {
		t.Fatalf("HOME is %q", home)
	}
	data, err := got.ReadFile(home + "/.profile")
	if want := "cd /home/someone/src; echo someone@somehost2 malice alice2 /home/alices\n"; string(data) != want || err != nil {
		t.Errorf(".profile = %q, %v, want %q", data, err, want)
	}
	if data, err := got.ReadFile(home + "/link"); !strings.Contains(string(data), "A_SECRET") {
		t.Errorf("link = %q, %v", data, err)
	}
	passwd, err := got.ReadFile("/etc/passwd")
	if want := "root:x:0:0::/root:/bin/sh\nsomeone:x:1000:1000::/home/someone:/bin/bash\n"; string(passwd) != want || err != nil {
		t.Errorf("passwd = %q, %v, want %q", passwd, err, want)
	}
}

func TestNamesThatAreWords(t *testing.T) {
	f := host.FromFiles(linux, []string{"HOME=/home/go", "USER=go", "HOSTNAME=root"}, map[string]string{
		"/home/go/go/bin/go": "#!", "/var/spool/cron/crontabs/go": "* * * * * true\n", "/home/go/.bashrc": "export GOPATH=/home/go/go; go env # go@host\n", "/home/someone/x": "",
	})
	got := scrub.Fixture(f, scrub.Options{Names: true})
	data, err := got.ReadFile("/home/someone2/.bashrc")
	if want := "export GOPATH=/home/someone2/go; go env # someone2@host\n"; string(data) != want || err != nil {
		t.Errorf("got %q, %v, want %q", data, err, want)
	}
	for _, name := range []string{"/home/someone2/go/bin/go", "/var/spool/cron/crontabs/someone2"} {
		if _, err := got.ReadFile(name); err != nil {
			t.Error(err)
		}
	}
	if env := got.Environ(); !slices.Equal(env, []string{"HOME=/home/someone2", "USER=someone2", "HOSTNAME=root"}) {
		t.Errorf("environment = %q", env)
	}
}

func TestNamesOnWindows(t *testing.T) {
	windows := host.Platform{OS: "windows", Arch: "amd64"}
	f := host.FromFiles(windows, []string{`USERPROFILE=C:\Users\Alexander`, "COMPUTERNAME=BLUEBOX", `TEMP=C:\Users\ALEXAN~1\Temp`}, map[string]string{
		`C:\Users\Alexander\x.json`: `{"a": "c:\\users\\alexander\\go", "b": "\\\\bluebox\\share"}`,
	})
	got := scrub.Fixture(f, scrub.Options{Names: true})
	if env := got.Environ(); !slices.Equal(env, []string{`USERPROFILE=C:\Users\someone`, "COMPUTERNAME=somehost", `TEMP=C:\Users\someone\Temp`}) {
		t.Errorf("environment = %q", env)
	}
	data, err := got.ReadFile(`C:\Users\someone\x.json`)
	if want := `{"a": "c:\\users\\someone\\go", "b": "\\\\somehost\\share"}`; string(data) != want || err != nil {
		t.Errorf("got %s, %v, want %s", data, err, want)
	}
}

// TestLongLines: the time is about proportional to the length, also if one line is all there is.
func TestLongLines(t *testing.T) {
	for _, pattern := range []string{
		"key=", "key ", "key:[", "key: ", "key='", "key=\"", "key:\n ", "key: |\n", "<pw>", "<pw", "<key>pw</key>", "basic ", "Bearer a ", "://", "://a:b/", "://a:b@",
		"a:b@", "@", ":", "--token ", "set token ", "-----BEGIN ", "-----BEGIN PRIVATE" + " KEY-----", "eyJ", "eyJ.", "machine a password ", "token,", "\"token\",", "\\", "a", "_", "\x00",
		"$(token=", "token=\\\"", "TOKEN=Pl4nted-s3cret ",
	} {
		short, long := fastest(pattern, 1<<13), fastest(pattern, 1<<16)
		if long > 30*short && long > 200*time.Millisecond { // proportional is 8 times, quadratic is 64 times
			t.Errorf("%q: %v, and %v for 8 times the length", pattern, short, long)
		}
	}
}

// fastest returns how long it takes to scrub a file of size bytes when nothing else uses the machine.
func fastest(pattern string, size int) time.Duration {
	text := strings.Repeat(pattern, size/len(pattern))
	best := time.Hour
	for range 2 {
		began := time.Now()
		scrubFile("/x", text)
		best = min(best, time.Since(began))
	}
	return best
}

func FuzzScrub(f *testing.F) {
	for _, s := range []string{"TOKEN=a\"b'c\n", "https://u:p@h@i/", `{"token": "a", "key": [1, "b"], "pass": 12}`, "machine a login b", "key: |\n  a\r\n b\n",
		"<password>x", "-----BEGIN PRIVATE" + " KEY-----", `\"token\": \"a`, "Basic YTpi", "a:b@c", "--token\t'x", "TOKEN=\\", `{"key": [0]}`, "SETUVAR A_KEY:\\x3a\\x0a", "A_KEY DEFAULT=b OVERRIDE=c"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, name := range []string{"/h/.bashrc", "/x.json", "/h/.netrc", "/h/fish_variables", "/h/.pam_environment", host.RegistryUser} {
			got := scrubFile(name, text)
			if strings.Count(got, "\n") != strings.Count(text, "\n") {
				t.Errorf("%s: lines were added or removed: %q", name, got)
			}
			if json.Valid([]byte(text)) && !json.Valid([]byte(got)) {
				t.Errorf("%s: JSON was broken: %q", name, got)
			}
		}
	})
}

// TestGitNames: with Names, who somebody is to git does not stay.
func TestGitNames(t *testing.T) {
	f := host.FromFiles(linux, []string{"HOME=/home/wxm", "USER=wxm"}, map[string]string{"/home/wxm/.gitconfig": "[user]\n\tname = Wang Xiaoming\n\temail = wang.xiaoming@acme.example\n"})
	text := fmt.Sprintf("%q", *scrub.Fixture(f, scrub.Options{Names: true}).Files["/home/someone/.gitconfig"].Content)
	for _, name := range []string{"Wang", "xiaoming", "acme"} {
		if strings.Contains(text, name) {
			t.Errorf("%s is in %s", name, text)
		}
	}
}
