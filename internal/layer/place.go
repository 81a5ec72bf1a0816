package layer

import (
	"strconv"
	"strings"
)

// Place names a line of a file as [Reason].From and [Set].From do: "file:line", or "file" if line is 0.
func Place(file string, line int) string {
	if line == 0 {
		return file
	}
	return file + ":" + strconv.Itoa(line)
}

// SplitPlace is the reverse of [Place]. A description, and a file without a line, are returned as they are, with line 0.
func SplitPlace(from string) (file string, line int) {
	if i := strings.LastIndexByte(from, ':'); i > 0 {
		if n, err := strconv.Atoi(from[i+1:]); err == nil {
			return from[:i], n
		}
	}
	return from, 0
}
