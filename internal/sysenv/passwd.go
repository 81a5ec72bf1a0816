package sysenv

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/goready/goready/internal/host"
)

// User is an entry of /etc/passwd. The zero User is nobody in particular: functions that take a User leave out what
// depends on it.
type User struct {
	Name  string
	UID   int
	GID   int
	Home  string
	Shell string
}

// ParsePasswd returns the well-formed entries of a file in the format of passwd(5).
func ParsePasswd(data []byte) []User {
	var users []User
	for line := range strings.Lines(string(data)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), ":")
		if len(f) != 7 || f[0] == "" || strings.HasPrefix(f[0], "#") {
			continue
		}
		uid, err := strconv.Atoi(f[2])
		if err != nil {
			continue
		}
		gid, err := strconv.Atoi(f[3])
		if err != nil {
			continue
		}
		users = append(users, User{Name: f[0], UID: uid, GID: gid, Home: f[5], Shell: f[6]})
	}
	return users
}

// UserByName returns the user with this name from /etc/passwd. fs.ErrNotExist means that the file has no such user;
// other sources of users (LDAP, systemd-homed) are not asked.
func UserByName(h host.Host, name string) (User, error) {
	return findUser(h, func(u User) bool { return u.Name == name })
}

// UserByID returns the first user with this number from /etc/passwd; see [UserByName].
func UserByID(h host.Host, uid int) (User, error) {
	return findUser(h, func(u User) bool { return u.UID == uid })
}

func findUser(h host.Host, is func(User) bool) (User, error) {
	data, err := h.ReadFile("/etc/passwd")
	if err != nil {
		return User{}, fmt.Errorf("find user: %w", err)
	}
	for _, u := range ParsePasswd(data) {
		if is(u) {
			return u, nil
		}
	}
	return User{}, &fs.PathError{Op: "find user", Path: "/etc/passwd", Err: fs.ErrNotExist}
}

// groupName returns the name of a group from /etc/group, or "".
func groupName(h host.Host, gid int) string {
	data, _, _ := read(h, "/etc/group")
	for line := range strings.Lines(string(data)) {
		if f := strings.Split(line, ":"); len(f) >= 3 && f[2] == strconv.Itoa(gid) {
			return f[0]
		}
	}
	return ""
}
